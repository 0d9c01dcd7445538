"""python -m tests.unit.anima.golden.make: golden.json anew, by decimals of fifty digits.

Each vector is worked out from a line of upstream.md 3.2 to 3.7, whose words stand beside it, and
imports nothing of what it checks. Where ours differs from upstream, the line ends in "(ours)".
"""

import json
from decimal import Decimal, getcontext
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

FILE = Path(__file__).with_name("golden.json")
getcontext().prec = 50
D = Decimal


def tanh(x):
    """(e^2x - 1) / (e^2x + 1)."""
    e = (2 * x).exp()
    return (e - 1) / (e + 1)


def log2(x):
    """ln x / ln 2."""
    return D(x).ln() / D(2).ln()


def clip(x, low, high):
    """The nearest in a range."""
    return min(max(x, D(low)), D(high))


VECTORS = []


def add(line, call, given, want):
    """One vector; decimals go in as the floats that are nearest to them."""
    VECTORS.append({"line": line, "call": call, "given": plain(given), "want": plain(want)})


def plain(value):
    """As JSON takes it."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return float(value) if isinstance(value, D | Fraction) else value


# 3.2 Signals ------------------------------------------------------------------------------------


def entropy(gestures, vocabulary):
    """Over the last 20, or a half while there are fewer than 5."""
    window = gestures[-20:]
    if len(window) < 5:
        return D("0.5")
    shares = [D(window.count(g)) / len(window) for g in sorted(set(window))]
    bits = -sum(share * log2(share) for share in shares)
    return min(D(1), bits / log2(max(vocabulary, 2)))


def switching(gestures):
    """Switches of n - 1 neighbours, as a fraction."""
    window = gestures[-20:]
    if len(window) < 2:
        return Fraction(0)
    return Fraction(sum(a != b for a, b in pairwise(window)), len(window) - 1)


ENTROPY = "3.2 S_sig = min(1, Shannon entropy of the last <=20 gestures / log2(max(vocabulary,2)))"
FEW = "3.2 S_sig = .5 while fewer than 5 gestures"
RATE = "3.2 r = switches/(n-1) over the same window; 0 while n<2"
WORDS = ("aaaaa", "aaaab", "abcde", "aabbb", "abcabcabc", "abababababababababab",
         "aaaaaaaaaaaaaaaaaaab", "abcdefghijklmnopabcd", "zzzzz" * 3 + "abcde" * 4)  # fmt: skip
for word in WORDS:
    for vocabulary in (1, 2, 3, 5, 16):
        add(ENTROPY, "gesture_entropy", [list(word), vocabulary], entropy(list(word), vocabulary))
for word in ("", "a", "ab", "abc", "abcd"):
    add(FEW, "gesture_entropy", [list(word), 5], D("0.5"))
for word in ("", "a", "aa", "ab", "aba", "aab", *WORDS):
    add(RATE, "switching_rate", [list(word)], switching(list(word)))
add("3.2 I_sig = .1 if no era", "at_birth", ["intentionality"], D("0.1"))
add("3.1 initial E .7, I .2, S .5, V 0", "at_birth", ["eisv"],
    [D("0.7"), D("0.2"), D("0.5"), D(0)])  # fmt: skip
add("3.1 initial curiosity 1, engagement .5, fatigue 0", "at_birth", ["attention"],
    [D(1), D("0.5"), D(0)])  # fmt: skip

# 3.3 Step ---------------------------------------------------------------------------------------

LINES = {
    "C": "3.3 C = Cmax*0.5*(1+tanh(C1*V)), taken BEFORE the step",
    "E": "3.3 dE = alpha*(Isig-E) - betaE*E*Ssig + gammaE*drift2; E clamp [0,1]",
    "I": "3.3 dI = betaI*C - k*Ssig - gammaI*I; I clamp [0,1]",
    "S": "3.3 dS = -mu*S + lambda1*drift2 - lambda2*C; S clamp [.001,2]",
    "V": "3.3 dV = kappa*(Isig-E) - delta*V; V clamp [-2,2]",
}


def stepped(state, signals):
    """One Euler step of dt .1, each line as upstream writes it."""
    (E, I, S, V), (aim, noise, r) = state, signals
    C = D("0.5") * (1 + tanh(V))
    dE = D("0.01") * (aim - E) - D("0.005") * E * noise + D("0.002") * r * r
    dI = D("0.015") * C - D("0.005") * noise - D("0.012") * I
    dS = -D("0.04") * S + D("0.02") * r * r - D("0.008") * C
    dV = D("0.015") * (aim - E) - D("0.02") * V
    return {
        "C": C,
        "E": clip(E + D("0.1") * dE, 0, 1),
        "I": clip(I + D("0.1") * dI, 0, 1),
        "S": clip(S + D("0.1") * dS, "0.001", 2),
        "V": clip(V + D("0.1") * dV, -2, 2),
    }


STATES = [("0.7", "0.2", "0.5", "0"), ("0", "0", "0.001", "-2"), ("1", "1", "2", "2"),
          ("0.333", "0.815", "0.07", "-0.61"), ("0.4", "0.55", "1.25", "0.75")]  # fmt: skip
SIGNALS = [("0.1", "0.5", "0"), ("1", "0", "0"), ("0", "1", "1"), ("0.6", "0.37", "0.25"),
           ("0.85", "0.9", "0.7")]  # fmt: skip
for state in STATES:
    for signals in SIGNALS:
        # The floats that go in are not the decimals that are written: take them as they are.
        given = [D(float(x)) for x in (*state, *signals)]
        for name, want in stepped(given[:4], given[4:]).items():
            add(LINES[name], f"step {name}", given, want)
add("3.3 steady I* = (.015C - .005S)/.012", "steady I", [D("0.5"), D("0.5")],
    (D("0.0075") - D("0.0025")) / D("0.012"))  # fmt: skip
add("3.3 V stays within .75, so C is bounded by .5(1+tanh .75)", "highest C", [],
    D("0.5") * (1 + tanh(D("0.75"))))  # fmt: skip

# 3.4 Attention, energy, coherence tracking ------------------------------------------------------

CURIOSITY = {
    "resolving": "3.4 curiosity -= .002 when arc is resolving",
    "low": "3.4 curiosity -= .003(1-C) when C<.4",
    "high": "3.4 curiosity += .001C else; clamp [0,1]",
}
TIRED = "3.4 curiosity also -= .005 fatigue, so that it can deplete (ours)"
for curiosity in ("0", "0.001", "0.5", "1"):
    for fatigue in ("0", "0.3", "1"):
        for C in ("0.1", "0.39", "0.4", "0.55", "0.8"):
            for arc in ("opening", "developing", "resolving", "closing"):
                before, tired, coherent = (D(float(x)) for x in (curiosity, fatigue, C))
                kind = "low" if coherent < D("0.4") else "high"
                kind = "resolving" if arc == "resolving" else kind
                cost = {"resolving": D("0.002"), "low": D("0.003") * (1 - coherent),
                        "high": -D("0.001") * coherent}[kind]  # fmt: skip
                want = clip(before - cost - D("0.005") * tired, 0, 1)
                line = CURIOSITY[kind] if fatigue == "0" else TIRED
                add(line, "curiosity", [before, tired, coherent, arc], want)
for engagement in ("0", "0.5", "1"):
    for aim, noise in (("0", "0"), ("0.1", "0.5"), ("0.77", "0.31"), ("1", "0"), ("1", "1")):
        e, a, n = (D(float(x)) for x in (engagement, aim, noise))
        add("3.4 engagement += .05*(Isig*(1-.5*Ssig) - engagement); clamp [0,1]", "engagement",
            [e, a, n], clip(e + D("0.05") * (a * (1 - n / 2) - e), 0, 1))  # fmt: skip
for fatigue in ("0", "0.25", "0.998", "1"):
    for switched in (False, True):
        f = D(float(fatigue))
        more = D("0.0054") if switched else D("0.0004")
        add("3.4 fatigue += .0004 per mark, +.005 when the gesture changed; cap 1", "fatigue",
            [f, switched], clip(f + more, 0, 1))  # fmt: skip
for fatigue, ticks in (("0", 0), ("0.3", 14_399), ("0.3", 14_400), ("1", 20_000)):
    f = D(float(fatigue))
    add("3.4 fatigue += .00005 per draw interval from the fourth hour on (ours)", "looking",
        [f, ticks], clip(f + (D("0.00005") if ticks >= 14_400 else 0), 0, 1))  # fmt: skip
for three in (("1", "0.5", "0"), ("0", "0", "1"), ("1", "1", "1"), ("0.37", "0.81", "0.64")):
    c, e, f = (D(float(x)) for x in three)
    add("3.4 energy = (.6 curiosity + .4 engagement)*(1 - .5 fatigue)", "energy", [c, e, f],
        (D("0.6") * c + D("0.4") * e) * (1 - f / 2))  # fmt: skip
for velocity, before, C in (("0", "0.5", "0.6"), ("0.1", "0.7", "0.65"), ("-0.05", "0.2", "0.2")):
    v, b, c = (D(float(x)) for x in (velocity, before, C))
    add("3.4 coherence_velocity EMA .2 of dC", "velocity", [v, b, c], v + D("0.2") * (c - b - v))
for momentum, aim in (("0", "0.6"), ("0.4", "0.1"), ("0.9", "0.9")):
    m, a = D(float(momentum)), D(float(aim))
    add("3.4 i_momentum EMA .1 of Isig", "momentum", [m, a], m + D("0.1") * (a - m))
add("3.4 coherence_history: last 30 C's", "remembered", [50], 30)

# 3.5 Arc phases ---------------------------------------------------------------------------------

FRESH = {"curiosity": 1.0, "engagement": 0.5, "fatigue": 0.0}
TOLD = {"arc": "developing", "ticks_in_phase": 50, "pixels": 400, "coherences": [0.5],
        "velocity": 0.0, "i_momentum": 0.5, "attention": FRESH, "satisfaction": 0.5}  # fmt: skip
OPENS = "3.5 opening -> developing: i_momentum > .15 (HEAD) and count > 10"
RESOLVES = "3.5 developing -> resolving: C > .6 and |velocity| < .02"
REOPENS = "3.5 developing -> opening: C < .3 and i_momentum < .3 and count > 20"
CLOSES = "3.5 resolving -> closing: narrative_complete"
RETURNS = "3.5 resolving -> developing: C < .5"
SCARCE = "3.5 < 10 pixels forces opening"
WEARY = "3.5 developing -> resolving also when curiosity < .3, and it stays there (ours)"
DONE = {"curiosity": 0.5, "engagement": 0.5, "fatigue": 0.9}
BORED = {"curiosity": 0.29, "engagement": 0.5, "fatigue": 0.0}
for line, changes, arc in [
    (OPENS, {"arc": "opening", "i_momentum": 0.151, "ticks_in_phase": 11}, "developing"),
    (OPENS, {"arc": "opening", "i_momentum": 0.15, "ticks_in_phase": 11}, "opening"),
    (OPENS, {"arc": "opening", "i_momentum": 0.9, "ticks_in_phase": 10}, "opening"),
    (RESOLVES, {"coherences": [0.601], "velocity": 0.0199}, "resolving"),
    (RESOLVES, {"coherences": [0.601], "velocity": -0.0199}, "resolving"),
    (RESOLVES, {"coherences": [0.601], "velocity": 0.02}, "developing"),
    (RESOLVES, {"coherences": [0.601], "velocity": -0.02}, "developing"),
    (RESOLVES, {"coherences": [0.6]}, "developing"),
    (REOPENS, {"coherences": [0.299], "i_momentum": 0.299, "ticks_in_phase": 21}, "opening"),
    (REOPENS, {"coherences": [0.3], "i_momentum": 0.299, "ticks_in_phase": 21}, "developing"),
    (REOPENS, {"coherences": [0.299], "i_momentum": 0.3, "ticks_in_phase": 21}, "developing"),
    (REOPENS, {"coherences": [0.299], "i_momentum": 0.299, "ticks_in_phase": 20}, "developing"),
    (CLOSES, {"arc": "resolving", "attention": DONE}, "closing"),
    (CLOSES, {"arc": "resolving", "coherences": [0.7]}, "resolving"),
    (RETURNS, {"arc": "resolving", "coherences": [0.499]}, "developing"),
    (RETURNS, {"arc": "resolving", "coherences": [0.5]}, "resolving"),
    *((SCARCE, {"arc": each, "pixels": 9}, "opening")
      for each in ("opening", "developing", "resolving", "closing")),
    (SCARCE, {"pixels": 10}, "developing"),
    (WEARY, {"attention": BORED}, "resolving"),
    (WEARY, {"attention": BORED | {"curiosity": 0.3}}, "developing"),
    (WEARY, {"arc": "resolving", "coherences": [0.4], "attention": BORED}, "resolving"),
    (WEARY, {"attention": DONE}, "resolving"),
    ("3.5 closing: canvas marked satisfied", {"arc": "closing"}, "closing"),
]:  # fmt: skip
    add(line, "next_arc", [TOLD | changes], arc)
for arc, phase in (("opening", "exploring"), ("developing", "building"),
                   ("resolving", "reflecting"), ("closing", "resting")):  # fmt: skip
    add("3.5 neural map, one vocabulary for each of phase and arc_phase", "phase", [arc], phase)

# 3.6 When is a piece finished? ------------------------------------------------------------------

SETTLED = "3.6 coherence_settled: >=20 C's, last 10 have mean > .7 and variance < .01"
for coherences, want in [
    ([0.71] * 20, True), ([0.71] * 19, False), ([0.699] * 20, False),
    ([0.0] * 10 + [0.8] * 10, True), ([0.8] * 19 + [0.1], False), ([0.62, 0.81] * 10, True),
    ([0.6, 0.82] * 10, False), ([0.65, 0.86] * 10, False),
]:  # fmt: skip
    add(SETTLED, "settled", [coherences], want)
EXHAUSTED = "3.6 attention_exhausted: curiosity < .15 and (engagement < .3 or fatigue > .8)"
for three, want in [((0.149, 0.299, 0.0), True), ((0.149, 0.3, 0.801), True),
                    ((0.149, 0.3, 0.8), False), ((0.15, 0.1, 0.9), False)]:  # fmt: skip
    add(EXHAUSTED, "exhausted", list(three), want)
NARRATIVE = "3.6 narrative_complete = "
OUT = {"curiosity": 0.1, "engagement": 0.2, "fatigue": 0.0}
EMPTY = {"curiosity": 0.0, "engagement": 0.1, "fatigue": 0.0}
for line, changes, want in [
    ("closing", {"arc": "closing"}, "closing"),
    ("settled and exhausted", {"coherences": [0.8] * 20, "attention": OUT}, "settled"),
    ("settled and exhausted", {"coherences": [0.8] * 20}, None),
    ("settled and exhausted", {"attention": OUT}, None),
    ("satisfaction > .7 and curiosity < .2",
     {"satisfaction": 0.701, "attention": FRESH | {"curiosity": 0.199}}, "composed"),
    ("satisfaction > .7 and curiosity < .2",
     {"satisfaction": 0.7, "attention": FRESH | {"curiosity": 0.199}}, None),
    ("satisfaction > .7 and curiosity < .2",
     {"satisfaction": 0.9, "attention": FRESH | {"curiosity": 0.2}}, None),
    ("fatigue > .85", {"attention": FRESH | {"fatigue": 0.851}}, "tired"),
    ("fatigue > .85", {"attention": FRESH | {"fatigue": 0.85}}, None),
    ("energy < .05, > 120 s in phase, >= 50 px",
     {"attention": EMPTY, "ticks_in_phase": 121, "pixels": 50}, "spent"),
    ("energy < .05, > 120 s in phase, >= 50 px",
     {"attention": EMPTY, "ticks_in_phase": 120, "pixels": 50}, None),
    ("energy < .05, > 120 s in phase, >= 50 px",
     {"attention": EMPTY, "ticks_in_phase": 121, "pixels": 49}, None),
    ("energy < .05, > 120 s in phase, >= 50 px",
     {"attention": EMPTY | {"engagement": 0.126}, "ticks_in_phase": 121}, None),
]:  # fmt: skip
    add(NARRATIVE + line, "ending", [TOLD | changes], want)
add("3.6 save floor 60 s after last clear", "floor", [], 60)
for pixels, ticks, want in [(14_999, 0, None), (15_000, 0, "canvas full"), (1, 28_799, None),
                            (1, 28_800, "hard cap"), (0, 10**6, None)]:  # fmt: skip
    add("3.6 bailout_hard_cap (8 h); 3.8 hard stop at 15 000 px", "bound", [pixels, ticks], want)

# 3.7 Eras ---------------------------------------------------------------------------------------

ERAS = {
    "gestural": (5, 20, lambda left, locked, _: D("0.2") + D("0.4") * locked
                 + min(D("0.4"), left / 20 * D("0.4"))),
    "pointillist": (3, 30, lambda left, locked, _: D("0.1") + D("0.4") * locked
                    + min(D("0.2"), left / 30 * D("0.2"))),
    "field": (3, 25, lambda left, _, flow: D("0.1") + D("0.4") * flow
              + min(D("0.2"), left / 25 * D("0.2"))),
    "geometric": (16, 12, lambda left, *_: D("0.1") + D("0.5") * (left > 0)),
    "resonance": (3, 25, lambda left, locked, _: D("0.1") + D("0.4") * locked
                  + min(D("0.2"), left / 25 * D("0.2"))),
}  # fmt: skip
SAYS = {
    "gestural": ".2 + .4 if direction locked + min(.4, remaining/20*.4)",
    "pointillist": ".1 + .4 if zone locked + min(.2, remaining/30*.2)",
    "field": ".1 + .4*flow progress + min(.2, remaining/25*.2)",
    "geometric": ".1 + .5 when gesture_remaining > 0",
    "resonance": ".1 + .4 if it follows a nodal line + min(.2, remaining/25*.2) (ours)",
}
for era, (words, longest, says) in ERAS.items():
    add(f"3.7 {era}: {words} gestures", "vocabulary", [era], words)
    for left in (0, 1, 7, longest, 40):
        for locked in (False, True):
            for flow in (D(0), D("0.25"), D(1)):
                add(f"3.7 {era}: {SAYS[era]}", "intentionality", [era, left, locked, flow],
                    says(D(left), locked, flow))  # fmt: skip
add("3.7 resonance: 48x48 field", "resonance field", [], 48)


if __name__ == "__main__":
    lines = ",\n".join(json.dumps(vector) for vector in VECTORS)
    FILE.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    print(len(VECTORS), len({vector["line"] for vector in VECTORS}))  # noqa: T201
