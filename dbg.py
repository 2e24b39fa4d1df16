import os, sys, importlib.util
sys.path.insert(0, os.getcwd())
import conftest
from lab import tenants, clients, plane, reach
spec=importlib.util.spec_from_file_location('t8','molecule/policy/effects/test_08_shadows.py'); t=importlib.util.module_from_spec(spec); spec.loader.exec_module(t)
mine=tenants.inventory()
peered=sys.argv[1]=='1'
t._rewrite(mine, peered, t.TOGETHER if peered else t.APART)
run=mine.site(); print(run.code, run.busy()); 
if run.code: print(run.output[-4000:])
reach.serve()
clients.start_all(plane.confs(t.NAMES))
