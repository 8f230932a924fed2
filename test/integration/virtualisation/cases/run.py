"""run.py FAMILY…: starts the probes of the families named, each in a process of its own, and stays with them."""
import importlib
import os
import sys

import probe

families = sys.argv[1:]
probe.complain_to(f'{probe.STATE}/probe.log')
for family in families[1:]:
    if os.fork() == 0:
        families = [family]
        break
importlib.import_module(families[0])
probe.main(families[0])
