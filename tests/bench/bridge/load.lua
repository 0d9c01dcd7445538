-- Check-ins for wrk: every request a new key, agents in turn. Arguments: shape, agents, run.
local shape, agents, run, seq, bad = "rest", 1, "", 0, 0

function init(args)
  shape, agents, run = args[1], tonumber(args[2]), args[3]
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Accept"] = "application/json, text/event-stream"
  if shape ~= "peer" then wrk.headers["Accept"] = "application/json" end
end

local block = [["anima":{"warmth":0.393,"clarity":0.786,"stability":0.906,"presence":0.883},"eisv":{"E":0.393,"I":0.786,"S":0.094,"V":0.035}]]
local drawing = [["drawing_eisv":{"E":0.7,"I":0.2,"S":0.5,"V":-0.1,"C":0.47,"marks":142,"phase":"developing","era":"gestural","energy":0.6,"curiosity":0.8,"engagement":0.5,"fatigue":0.1,"arc_phase":"developing","i_momentum":0.3,"coherence_settled":false,"attention_exhausted":false,"narrative_complete":false,"compositional_satisfaction":0.41}]]
local sensors = [["cpu_temp_c":53.07,"ambient_temp_c":24.0,"humidity_pct":20.0,"light_lux":416.7,"cpu_percent":12.0,"memory_percent":41.0]]

function request()
  seq = seq + 1
  local agent = "bench-" .. (seq % agents)
  if shape == "rest" then
    return wrk.format(nil, "/v1/checkins", nil, '{"contract":2,"agent":"' .. agent ..
      '","boot_id":"' .. run .. '","seq":' .. seq ..
      ',"recorded_at":"2026-02-20T12:00:00Z",' .. block ..
      ',"sensor_data":{' .. sensors .. ',' .. drawing .. '}}')
  end
  return wrk.format(nil, shape == "peer" and "/mcp" or "/mcp/", nil, '{"jsonrpc":"2.0","id":' .. seq ..
    ',"method":"tools/call","params":{"name":"sync_state","arguments":{"agent_name":"' .. agent ..
    '","complexity":0.1,"confidence":0.8,"response_mode":"minimal","sensor_data":{' .. block ..
    ',"environment":{' .. sensors .. '},' .. drawing .. '}}}}')
end

function response(status, headers, body)
  if status ~= 200 or (shape ~= "rest" and not body:find('"isError":false', 1, true)) then
    bad = bad + 1
    if bad < 4 then io.stderr:write(status, " ", body:sub(1, 300), "\n") end
  end
end

function done(summary, latency, requests)
  io.write(string.format("RESULT %d %d %d %d %d\n", summary.requests, summary.duration,
    summary.errors.status + summary.errors.timeout + summary.errors.read + summary.errors.connect,
    latency:percentile(50), latency:percentile(99)))
end
