/** What the image's interpreter runs: compiles one source after another, as `compileall` does, for as long as its input is open. */

/**
 * Arguments: time of the files (only Python 3.6 needs it, which knows no files by hash). Input: lengths of path and source (32 bits, big endian),
 * path, source. Output: length (all ones: it does not compile) and the file, header first.
 */
export const DRIVER = `
import sys
sys.path[:] = [folder for folder in sys.path if folder]
import gc, io, marshal, _imp
gc.disable()
magic = sys.modules["_frozen_importlib_external"].MAGIC_NUMBER
key = int.from_bytes(magic, "little")
time = int(sys.argv[1])
source_hash = getattr(_imp, "source_hash", None)
def little(number):
    return (number & 0xFFFFFFFF).to_bytes(4, "little")
into = io.open(0, "rb", buffering=1 << 20)
out = io.open(1, "wb", buffering=0)
def send(data):
    while data:
        data = data[out.write(data):]
while True:
    head = into.read(8)
    if len(head) < 8:
        break
    path = into.read(int.from_bytes(head[:4], "big")).decode("utf-8", "surrogateescape")
    source = into.read(int.from_bytes(head[4:], "big"))
    try:
        code = marshal.dumps(compile(source, path, "exec", dont_inherit=True, optimize=0))
    except Exception:
        send(b"\\xff\\xff\\xff\\xff")
        continue
    if source_hash is None:
        header = magic + little(time) + little(len(source))
    else:
        header = magic + little(1) + source_hash(key, source)
    send((len(header) + len(code)).to_bytes(4, "big") + header)
    send(memoryview(code))
    code = source = None
`;
