"""ask.py ready|check FAMILY…: prints {family: cases} as JSON, once all the families have answered."""
import json
import os
import sys
import time

import probe

question, families = sys.argv[1], sys.argv[2:]
kind = {'ready': 'ready', 'check': 'result'}[question]
if question == 'check':
    for family in families:
        if os.path.exists(f'{probe.STATE}/{family}.result'):
            os.unlink(f'{probe.STATE}/{family}.result')
        open(f'{probe.STATE}/{family}.go', 'w').close()
end = time.monotonic() + 100
answers = {}
while len(answers) < len(families):
    for family in families:
        path = f'{probe.STATE}/{family}.{kind}'
        if family not in answers and os.path.exists(path):
            with open(path) as file:
                answers[family] = json.load(file)
    if time.monotonic() > end:
        missing = [family for family in families if family not in answers]
        sys.exit(f'no answer from {missing}: {open(f"{probe.STATE}/probe.log").read()[-2000:]}')
    time.sleep(0.02)
print(json.dumps(answers))
