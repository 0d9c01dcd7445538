"""``python -m apps.lab pi``: only the network, the Pi and hosts.toml of a lab."""

import sys
from pathlib import Path

from apps.lab import hosts, images, keys, owner, pi
from apps.lab.lab import Lab
from schemas.errors import HouseError, Refused


def main() -> int:
    """Have the Pi, and say where it is."""
    try:
        if sys.argv[1:] != ["pi"]:
            raise Refused(f"apps.lab: {' '.join(sys.argv[1:])!r} is not a verb; there is 'pi'")
        lab = Lab.here(Path(__file__).resolve().parents[2])
        owner.refuse_strangers(lab)
        keys.make(lab)
        image, _ = images.pi(lab.home, images.base(lab.home)[0])
        took = pi.stand(lab, image)
        hosts.write(lab)
        pi.wait_for_ssh(lab)
    except HouseError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(f"{lab.thing(pi.NAME)} {took}: ssh -F {lab.state}/ssh_config pi-admin\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
