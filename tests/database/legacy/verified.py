"""A verify in a process of its own: verified.py DSN DIR. It says what it took."""

import json
import re
import sys
import time
from pathlib import Path

from apps.legacy.verify.verify import verify

# getrusage would tell of the process that started this one, too.
PEAK = re.compile(r"VmHWM:\s+(\d+) kB")

begun = time.process_time()
said = verify(sys.argv[1], Path(sys.argv[2]))
took = {
    "differing": said.differing,
    "first": [each.model_dump() for each in said.differences[:3]],
    "rows": sum(one.rows for one in said.sources),
    "mib": int(PEAK.search(Path("/proc/self/status").read_text())[1]) >> 10,
    "cpu_seconds": time.process_time() - begun,
    "seconds": said.seconds,
}
sys.stdout.write(json.dumps(took))
