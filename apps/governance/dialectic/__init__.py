"""Disputes: how a paused agent and its reviewer come to terms, and what becomes of the agent."""
