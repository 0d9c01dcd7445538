"""How it stands on a host: the only code that speaks pyinfra."""
