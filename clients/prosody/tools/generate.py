"""Writes modules/mod_hatd/hatd/schema.lua from the contract.

    python generate.py PROTO_DIR OUTPUT

Needs grpcio-tools and googleapis-common-protos, which bring protoc and google/rpc.
"""

import importlib.resources
import sys
import tempfile
from pathlib import Path

import google.rpc
import grpc_tools
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorSet,
)
from grpc_tools import protoc

KINDS = {number: name.removeprefix("TYPE_").lower() for name, number in FieldDescriptorProto.Type.items()}

# What a status carries in its details.
STATUS_PROTOS = ["google/rpc/status.proto", "google/rpc/error_details.proto"]

HEADER = """\
-- Generated from proto/hatd/v1 by tools/generate.py. Do not edit: `./task generate`.

--- The messages, enums and methods of hatd.v1, and those of google.rpc that a status carries.
-- `messages[name][number]` describes a field, `enums[name][number]` names a value, and
-- `methods[name]` has the path and the messages of an RPC.
"""


def compile_protos(proto_dir: Path) -> FileDescriptorSet:
    """Compiles the contract and what its errors carry, dependencies included."""
    protos = sorted(str(path.relative_to(proto_dir)) for path in proto_dir.glob("hatd/v1/*.proto"))
    includes = [
        proto_dir,
        importlib.resources.files(grpc_tools) / "_proto",
        Path(google.rpc.__path__[0]).parent.parent,
    ]
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch) / "descriptors"
        arguments = [f"-I{include}" for include in includes]
        options = ["--include_imports", f"--descriptor_set_out={output}"]
        if protoc.main(["protoc", *arguments, *options, *protos, *STATUS_PROTOS]) != 0:
            sys.exit("protoc failed")
        return FileDescriptorSet.FromString(output.read_bytes())


def all_types(files: FileDescriptorSet) -> tuple[dict, dict]:
    """Returns all messages and enums by full name, nested ones too."""
    messages: dict[str, DescriptorProto] = {}
    enums: dict[str, EnumDescriptorProto] = {}

    def visit(scope: str, message: DescriptorProto) -> None:
        name = f"{scope}.{message.name}"
        messages[name] = message
        enums.update({f"{name}.{enum.name}": enum for enum in message.enum_type})
        for nested in message.nested_type:
            visit(name, nested)

    for file in files.file:
        enums.update({f"{file.package}.{enum.name}": enum for enum in file.enum_type})
        for message in file.message_type:
            visit(file.package, message)
    return messages, enums


def reachable(messages: dict, roots: list[str]) -> list[str]:
    """Returns the messages that the roots lead to, map entries left out."""
    seen: set[str] = set()
    pending = list(roots)
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        pending += [field.type_name[1:] for field in messages[name].field if field.type == field.TYPE_MESSAGE]
    return sorted(name for name in seen if not messages[name].options.map_entry)


def kind_of(field: FieldDescriptorProto, prefix: str = "") -> list[str]:
    """Returns what says which type a field, or the value of a map, has."""
    result = [f'{prefix or "kind"} = "{KINDS[field.type]}"']
    if field.type_name:
        result.append(f'of = "{field.type_name[1:]}"')
    return result


def describe(message: DescriptorProto, field: FieldDescriptorProto, messages: dict) -> str:
    """Returns a field as a Lua table."""
    parts = [f'name = "{field.name}"']
    entry = messages.get(field.type_name[1:]) if field.type == field.TYPE_MESSAGE else None
    if entry is not None and entry.options.map_entry:
        key, value = sorted(entry.field, key=lambda part: part.number)
        parts += ['kind = "map"', f'key = "{KINDS[key.type]}"', *kind_of(value, "value")]
    else:
        parts += kind_of(field)
        if field.label == field.LABEL_REPEATED:
            parts.append("repeated = true")
        if field.proto3_optional:
            parts.append("optional = true")
        elif field.HasField("oneof_index"):
            parts.append(f'oneof = "{message.oneof_decl[field.oneof_index].name}"')
    return f"{{ {', '.join(parts)} }}"


def main(proto_dir: Path, output: Path) -> None:
    files = compile_protos(proto_dir)
    messages, enums = all_types(files)
    contract = [file for file in files.file if file.package == "hatd.v1"]
    details = ["Status", "ErrorInfo", "BadRequest", "ResourceInfo", "RetryInfo"]
    roots = [f"hatd.v1.{message.name}" for file in contract for message in file.message_type]
    names = reachable(messages, roots + [f"google.rpc.{name}" for name in details])

    lines = [HEADER.rstrip(), "return {", "\tmessages = {"]
    for name in names:
        message = messages[name]
        if not message.field:
            lines.append(f'\t\t["{name}"] = {{}},')
            continue
        lines.append(f'\t\t["{name}"] = {{')
        for field in sorted(message.field, key=lambda part: part.number):
            lines.append(f"\t\t\t[{field.number}] = {describe(message, field, messages)},")
        lines.append("\t\t},")
    lines += ["\t},", "\tenums = {"]
    for name in sorted(name for name in enums if name.startswith("hatd.v1.")):
        lines.append(f'\t\t["{name}"] = {{')
        lines += [f'\t\t\t[{value.number}] = "{value.name}",' for value in enums[name].value]
        lines.append("\t\t},")
    lines += ["\t},", "\tmethods = {"]
    for file in contract:
        for service in file.service:
            for method in service.method:
                parts = [
                    f'path = "/{file.package}.{service.name}/{method.name}"',
                    f'request = "{method.input_type[1:]}"',
                    f'response = "{method.output_type[1:]}"',
                ]
                if any(part.name == "request_id" for part in messages[method.input_type[1:]].field):
                    parts.append("writes = true")
                lines.append(f"\t\t{method.name} = {{ {', '.join(parts)} }},")
    lines += ["\t},", "}", ""]
    output.write_text("\n".join(lines))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
