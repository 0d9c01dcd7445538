"""Every port and path of the house, in one place."""

from typing import Final

POSTGRES: Final = 5432
GOVERNANCE: Final = 8767
GOVERNANCE_LOCAL: Final = 8769
"""Second door of governance inside its container; published on the Mac's loopback only."""
SOULFRA: Final = 8777
"""The door of soulfra: its clients prove a token."""
SSH: Final = 22

POSTGRES_SOCKET_DIR: Final = "/run/postgresql"
REDIS_SOCKET_DIR: Final = "/run/redis"
REDIS_SOCKET: Final = "/run/redis/redis.sock"
CONTAINER_FILES_DIR: Final = "/run/abode"
"""Where a container finds its configuration and its secrets."""
GOVERNANCE_DATA_DIR: Final = "/var/lib/governance"
AUDIT_LOG: Final = "/var/lib/governance/audit_log.jsonl"
SOULFRA_DATA_DIR: Final = "/var/lib/soulfra"

ANIMA_DATA_DIR: Final = ".anima"
"""Below the home of the Pi's service user."""
ANIMA_DB: Final = "anima.db"
ANIMA_RUN_DIR: Final = "/run/anima"
"""In memory; systemd makes it, and removes it when the process stops."""
ANIMA_CODE_DIR: Final = "/opt/anima"
ANIMA_CONFIG_DIR: Final = "/etc/anima"
