"""Writes src/hatd_schema.erl from the contract: what a watch says and is told.

    python generate.py PROTO_DIR OUTPUT

Reads the contract as the generator of the Prosody modules does, and needs what that needs.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "prosody" / "tools"))

from generate import KINDS, all_types, compile_protos, reachable
from google.protobuf.descriptor_pb2 import FieldDescriptorProto

ROOTS = ["hatd.v1.WatchHatsRequest", "hatd.v1.WatchHatsResponse"]

HEADER = """\
%% Generated from proto/hatd/v1 by tools/generate.py. Do not edit: `./task generate`.
%% @private The fields of messages, by number: name, type and how many.
-module(hatd_schema).

-export([fields/1]).

-spec fields(atom()) -> #{pos_integer() => {atom(), term(), one | many}}.
"""


# Of Erlang's reserved words those that a field may be called.
RESERVED = {"after", "and", "begin", "case", "end", "fun", "if", "not", "of", "or", "receive", "try", "when"}


def atom(name: str) -> str:
    return f"'{name}'" if name in RESERVED else name


def type_of(field: FieldDescriptorProto, messages: dict) -> str:
    """Returns the type of a field as an Erlang term."""
    name = field.type_name.removeprefix(".")
    if field.type != field.TYPE_MESSAGE:
        return KINDS[field.type]
    entry = messages[name]
    if entry.options.map_entry:
        key, value = sorted(entry.field, key=lambda part: part.number)
        return f"{{map, {type_of(key, messages)}, {type_of(value, messages)}}}"
    return f"{{message, '{name}'}}"


def main(proto_dir: Path, output: Path) -> None:
    messages, _ = all_types(compile_protos(proto_dir))
    clauses = []
    for name in reachable(messages, ROOTS):
        fields = []
        for field in sorted(messages[name].field, key=lambda part: part.number):
            kind = type_of(field, messages)
            is_many = field.label == field.LABEL_REPEATED and not kind.startswith("{map")
            fields.append(f"{field.number} => {{{atom(field.name)}, {kind}, {'many' if is_many else 'one'}}}")
        body = ",\n      ".join(fields)
        clauses.append(f"fields('{name}') ->\n    #{{{body}}}")
    output.write_text(HEADER + ";\n".join(clauses) + ".\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
