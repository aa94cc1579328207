"""Reads tables with pypaimon: a JSON array ["read", warehouse, database, table] a line in, rows as JSON and "#ok" or "#error" out.

Values are written as the Java side writes them (see JsonValues.java); they come from Arrow, by the types of Paimon's schema.
"""

import datetime
import json
import re
import sys

from pypaimon import CatalogFactory

EPOCH = datetime.datetime(1970, 1, 1)


def root(data_type):
    text = data_type if isinstance(data_type, str) else data_type["type"]
    return re.split(r"[(< ]", text)[0]


def number(value):
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def timestamp(scalar, data_type):
    """Of an Arrow scalar, whose nanoseconds Python's datetime would drop."""
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[scalar.type.unit]
    seconds, rest = divmod(scalar.value, per_second)
    precision = int(re.search(r"\((\d)\)", data_type).group(1)) if "(" in data_type else 6
    text = (EPOCH + datetime.timedelta(seconds=seconds)).isoformat(timespec="seconds")
    if precision:
        text += "." + str(rest * (10**9 // per_second)).zfill(9)[:precision]
    return text + ("Z" if "LOCAL TIME ZONE" in data_type else "")


def pairs(scalar, key_type, value_type):
    keys, values = scalar.values.field(0), scalar.values.field(1)
    return [[value_of(k, key_type), value_of(v, value_type)] for k, v in zip(keys, values)]


def value_of(scalar, data_type):
    if not scalar.is_valid:
        return None
    kind = root(data_type)
    if kind == "ARRAY":
        return [value_of(item, data_type["element"]) for item in scalar.values]
    if kind == "MAP":
        return pairs(scalar, data_type["key"], data_type["value"])
    if kind == "MULTISET":
        return pairs(scalar, data_type["element"], "INT")
    if kind == "ROW":
        return {f["name"]: value_of(scalar[f["name"]], f["type"]) for f in data_type["fields"]}
    if kind == "TIMESTAMP":
        return timestamp(scalar, data_type)
    value = scalar.as_py()
    if kind in ("FLOAT", "DOUBLE"):
        return number(value)
    if kind in ("BINARY", "VARBINARY", "BYTES"):
        return value.hex()
    if kind == "TIME":
        return value.isoformat(timespec="milliseconds")
    if kind == "DECIMAL":
        return format(value, "f")
    return value.isoformat() if kind == "DATE" else value


def read(warehouse, database, name):
    table = CatalogFactory.create({"warehouse": warehouse}).get_table(f"{database}.{name}")
    types = {field.name: field.type.to_dict() for field in table.fields}
    builder = table.new_read_builder()
    splits = builder.new_scan().plan().splits()
    rows = builder.new_read().to_arrow(splits)
    for number_of_row in range(rows.num_rows if rows is not None else 0):
        print(json.dumps({c: value_of(rows[c][number_of_row], types[c]) for c in rows.column_names}))


for line in sys.stdin:
    _, *table_path = json.loads(line)
    try:
        read(*table_path)
        print("#ok", flush=True)
    except Exception as error:  # Whatever a table does to the reader is an answer.
        print("#error", type(error).__name__, " ".join(str(error).split()), flush=True)
