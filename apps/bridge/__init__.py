"""The bridge's two ends: what the Mac hears and answers, and what the Pi sends."""
