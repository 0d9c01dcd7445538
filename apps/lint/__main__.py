"""python -m apps.lint: every migration and every query, by our rules and squawk's."""

import sys

from apps.lint.lines import found
from schemas.errors import HouseError, Refused


def main() -> int:
    """Print what is wrong, one line each; exit 2 when anything is."""
    try:
        wrong = found()
    except HouseError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.writelines(f"{each}\n" for each in wrong)
    return Refused.exit_code if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
