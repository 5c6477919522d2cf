"""Stand-in for the runner that DSS starts in a container: says where it is, and runs what it is given."""

import runpy
import sys

import dataiku

if __name__ == "__main__":
    print(f"dataiku {dataiku.__version__} on python {sys.version_info.major}.{sys.version_info.minor}")
    if len(sys.argv) > 1:
        sys.argv = sys.argv[1:]
        runpy.run_path(sys.argv[0], run_name="__main__")
