"""The peer: a minimal server on the official SDK, one durable row a call. Arguments: port, URL."""

import json
import sys
from contextlib import asynccontextmanager
from typing import Any

import psycopg_pool
import uvicorn
from mcp.server import MCPServer

SQL = """
INSERT INTO core.agent_state (
    identity_id, boot_id, seq, body_sha256, recorded_at, received_at, late, energy, integrity,
    entropy, void, coherence, regime, health, risk, action, margin, nearest_edge, reason,
    warmth, clarity, stability, presence, state_json)
SELECT identity_id, 'sdk', nextval('core.sdk_seq'), decode(repeat('00', 32), 'hex'), now(), now(),
       false, 0.7, 0.8, 0.2, 0, 0.5, 'DIVERGENCE', 'healthy', 0.3, 'proceed', 'tight',
       'coherence', 'State healthy', 0.4, 0.8, 0.9, 0.9, %s::jsonb
  FROM core.identities WHERE agent_id = %s
"""
server = MCPServer("peer", log_level="ERROR")
pool = psycopg_pool.AsyncConnectionPool(sys.argv[2], min_size=4, max_size=10, open=False)


@server.tool()
async def sync_state(
    agent_name: str,
    sensor_data: dict[str, Any],
    complexity: float = 0,
    confidence: float = 1,
    response_mode: str = "",
) -> dict[str, Any]:
    """Check in."""
    async with pool.connection() as conn:
        await conn.execute(SQL, (json.dumps(sensor_data), agent_name))
    return {"success": True, "action": "proceed", "margin": "tight"}


def main() -> None:
    """Serve until told to stop."""
    app = server.streamable_http_app(json_response=True, stateless_http=True)
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(of: Any) -> Any:
        await pool.open(wait=True)
        async with inner(of):
            yield
        await pool.close()

    app.router.lifespan_context = lifespan
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", access_log=False)


if __name__ == "__main__":
    main()
