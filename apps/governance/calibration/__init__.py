"""How sure agents are and how right; and the thresholds that verdicts are measured by."""
