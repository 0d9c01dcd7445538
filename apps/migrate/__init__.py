"""The migration runner: status, apply and rollback for every line. The only room with yoyo."""
