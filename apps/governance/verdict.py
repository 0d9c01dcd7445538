"""Pure: the governance EISV, stepped once per check-in, and the verdict on it.

After ``upstream`` 2.2 and 2.3, the linear form of February 2026.
"""

from math import tanh
from typing import NamedTuple

from schemas.bridge import Action, Edge, Margin
from schemas.eisv import Anima, GovernanceEisv
from schemas.governance.tables import Health
from schemas.governance.thresholds import Thresholds
from schemas.governance.words import Regime
from schemas.quantity import clamp

START = GovernanceEisv(E=0.7, I=0.8, S=0.2, V=0.0)

DT = 0.1
ALPHA, BETA_E, GAMMA_E = 0.42, 0.1, 0.05
K, BETA_I, GAMMA_I = 0.1, 0.3, 0.169
MU, LAMBDA_1, LAMBDA_2, COMPLEXITY_GAIN = 0.8, 0.125, 0.05, 0.15
"""LAMBDA_1 is the middle of upstream's [0.05, 0.20]; nothing adapts it here."""
KAPPA, DELTA = 0.3, 0.4
C_1, C_MAX = 1.0, 1.0

DRIFT_GAIN, DRIFT_LIMIT = 3.0, 0.5
SAFE_PHI = 0.15
CLEARLY = 0.15
FAR_PAST = 0.10


class Judgement(NamedTuple):
    """Everything that one check-in makes of an agent."""

    eisv: GovernanceEisv
    coherence: float
    risk: float
    action: Action
    margin: Margin
    nearest_edge: Edge
    reason: str
    regime: Regime
    health: Health


def judge(
    previous: GovernanceEisv | None,
    felt: Anima | None,
    anima: Anima,
    complexity: float | None,
    thresholds: Thresholds,
) -> Judgement:
    """Step from ``previous`` (None: first check-in), having ``felt`` then and ``anima`` now."""
    before = previous or START
    complex_now = complexity_of(anima) if complexity is None else clamp(complexity, 0, 1)
    drift_squared = sum(part * part for part in drift(felt, anima))
    after = step(before, drift_squared, complex_now)
    c = coherence(after.V)
    balance = phi(after, drift_squared)
    hazard = risk(balance, complex_now, c)
    action, reason = decide(balance, hazard, c, after.V, thresholds)
    margin, edge = distance(hazard, c, after.V, thresholds)
    if balance < 0:
        margin = Margin.CRITICAL
    return Judgement(
        after, c, hazard, action, margin, edge, reason,
        regime(before, after), health(hazard, thresholds),
    )  # fmt: skip


def coherence(void: float) -> float:
    """C of a void, in [0, 1].

    >>> coherence(0.0)
    0.5
    """
    return C_MAX * 0.5 * (1 + tanh(C_1 * void))


def complexity_of(anima: Anima) -> float:
    """What upstream's client sends as complexity, in [0, 1], for one that sends none."""
    return clamp(0.4 * (1 - anima.clarity) + 0.6 * (1 - anima.stability), 0, 1)


def drift(felt: Anima | None, anima: Anima) -> tuple[float, float, float]:
    """Ethical drift, each part in [-0.5, 0.5]; zeros at the first check-in."""
    if felt is None:
        return (0.0, 0.0, 0.0)
    changes = (
        anima.warmth - felt.warmth,
        anima.clarity - felt.clarity,
        anima.stability - felt.stability,
    )
    a, b, c = (clamp(DRIFT_GAIN * change, -DRIFT_LIMIT, DRIFT_LIMIT) for change in changes)
    return (a, b, c)


def step(now: GovernanceEisv, drift_squared: float, complexity: float) -> GovernanceEisv:
    """One Euler step; C is taken before it. E, I, S, V are clamped to their ranges."""
    E, I, S, V = now.E, now.I, now.S, now.V
    C = coherence(V)
    dE = ALPHA * (I - E) - BETA_E * E * S + GAMMA_E * drift_squared
    dI = BETA_I * C - K * S - GAMMA_I * I
    dS = -MU * S + LAMBDA_1 * drift_squared - LAMBDA_2 * C + COMPLEXITY_GAIN * complexity
    dV = KAPPA * (E - I) - DELTA * V
    return GovernanceEisv(
        E=clamp(E + DT * dE, 0, 1),
        I=clamp(I + DT * dI, 0, 1),
        S=clamp(S + DT * dS, 0.001, 2),
        V=clamp(V + DT * dV, -2, 2),
    )


def phi(eisv: GovernanceEisv, drift_squared: float) -> float:
    """The balance of an agent: safe from 0.15, caution from 0, high risk below."""
    return (
        0.5 * eisv.E - 0.5 * (1 - eisv.I) - 0.5 * eisv.S - 0.5 * abs(eisv.V) - 0.5 * drift_squared
    )


def risk(balance: float, complexity: float, c: float) -> float:
    """Risk in [0, 1]. Upstream's terms for text length and keywords are 0: no text is sent."""
    if balance >= SAFE_PHI:
        of_phi = max(0.0, 0.3 - (balance - SAFE_PHI) * 0.5)
    elif balance >= 0:
        of_phi = 0.3 + 0.4 * (SAFE_PHI - balance) / SAFE_PHI
    else:
        of_phi = min(1.0, 0.7 + 2 * abs(balance))
    return clamp(0.7 * of_phi + 0.3 * (0.35 * complexity + 0.35 * (1 - c)), 0, 1)


def decide(
    balance: float, hazard: float, c: float, void: float, limit: Thresholds
) -> tuple[Action, str]:
    """The first rule that applies, in upstream's order."""
    if balance < 0:
        return Action.PAUSE, f"High risk: balance {balance:.2f} is below 0"
    if balance < SAFE_PHI and hazard < limit.risk_low:
        return Action.PROCEED, f"With care: balance {balance:.2f}, risk {hazard:.2f}"
    if abs(void) > limit.void_pause:
        return Action.PAUSE, f"Energy and integrity apart: void {void:.2f}"
    if c < limit.coherence_pause:
        return Action.PAUSE, f"Coherence {c:.2f} is below {limit.coherence_pause:.2f}"
    if hazard >= limit.risk_pause:
        return Action.PAUSE, f"Risk {hazard:.2f} has reached {limit.risk_pause:.2f}"
    word = "State healthy" if hazard < limit.risk_low else "Moderate"
    return Action.PROCEED, f"{word}: risk {hazard:.2f}, pause at {limit.risk_pause:.2f}"


def distance(hazard: float, c: float, void: float, limit: Thresholds) -> tuple[Margin, Edge]:
    """How far the nearest edge is, and which one that is."""
    room, edge = min(
        (limit.risk_pause - hazard, Edge.RISK),
        (c - limit.coherence_pause, Edge.COHERENCE),
        (limit.void_pause - abs(void), Edge.VOID),
    )
    if room < 0:
        return (Margin.CRITICAL if room <= -FAR_PAST else Margin.WARNING), edge
    return (Margin.COMFORTABLE if room > CLEARLY else Margin.TIGHT), edge


def regime(before: GovernanceEisv, after: GovernanceEisv) -> Regime:
    """The manner of this step. STABLE needs both ends at rest."""
    if min(before.I, after.I) >= 0.999 and max(before.S, after.S) <= 0.001:
        return Regime.STABLE
    if after.S - before.S < -0.001 and after.I - before.I > 0.001:
        return Regime.TRANSITION
    if after.S < 0.1 and after.S <= before.S and after.I > 0.8:
        return Regime.CONVERGENCE
    return Regime.DIVERGENCE


def health(hazard: float, limit: Thresholds) -> Health:
    """The word for a risk."""
    if hazard < limit.risk_low:
        return Health.HEALTHY
    return Health.MODERATE if hazard < limit.risk_pause else Health.CRITICAL
