package interop;

import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ArrayNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.JsonNodeFactory;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;
import org.apache.flink.table.types.logical.ArrayType;
import org.apache.flink.table.types.logical.IntType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.MapType;
import org.apache.flink.table.types.logical.MultisetType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.logical.utils.LogicalTypeChecks;
import org.apache.flink.types.Row;

import java.lang.reflect.Array;
import java.math.BigDecimal;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;
import java.util.Map;

/** Flink's external values as the JSON that the Java side of the harness writes (see its JsonValues). */
final class FlinkValues {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private FlinkValues() {}

    static JsonNode toJson(Object value, LogicalType type) {
        if (value == null) {
            return NODES.nullNode();
        }
        switch (type.getTypeRoot()) {
            case BOOLEAN:
                return NODES.booleanNode((Boolean) value);
            case TINYINT:
            case SMALLINT:
            case INTEGER:
            case BIGINT:
                return NODES.numberNode(((Number) value).longValue());
            case FLOAT:
                float f = (Float) value;
                return Float.isFinite(f) ? NODES.numberNode(f) : NODES.textNode(Float.toString(f));
            case DOUBLE:
                double d = (Double) value;
                return Double.isFinite(d) ? NODES.numberNode(d) : NODES.textNode(Double.toString(d));
            case DECIMAL:
                return NODES.textNode(((BigDecimal) value).toPlainString());
            case BINARY:
            case VARBINARY:
                return NODES.textNode(HexFormat.of().formatHex((byte[]) value));
            case TIME_WITHOUT_TIME_ZONE:
                return NODES.textNode(
                        ((LocalTime) value).format(DateTimeFormatter.ofPattern("HH:mm:ss.SSS")));
            case TIMESTAMP_WITHOUT_TIME_ZONE:
                return NODES.textNode(timestamp((LocalDateTime) value, type));
            case TIMESTAMP_WITH_LOCAL_TIME_ZONE:
                LocalDateTime utc = LocalDateTime.ofInstant((Instant) value, ZoneOffset.UTC);
                return NODES.textNode(timestamp(utc, type) + "Z");
            case ARRAY:
                return list(value, ((ArrayType) type).getElementType());
            case MAP:
                return pairs(value, ((MapType) type).getKeyType(), ((MapType) type).getValueType());
            case MULTISET:
                return pairs(value, ((MultisetType) type).getElementType(), new IntType());
            case ROW:
                return row((Row) value, (RowType) type);
            default:
                return NODES.textNode(value.toString());
        }
    }

    private static String timestamp(LocalDateTime value, LogicalType type) {
        int precision = LogicalTypeChecks.getPrecision(type);
        String seconds = value.format(DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss"));
        String nanos = String.format("%09d", value.getNano());
        return precision == 0 ? seconds : seconds + "." + nanos.substring(0, precision);
    }

    private static JsonNode list(Object array, LogicalType element) {
        ArrayNode out = NODES.arrayNode();
        for (int i = 0; i < Array.getLength(array); i++) {
            out.add(toJson(Array.get(array, i), element));
        }
        return out;
    }

    private static JsonNode pairs(Object map, LogicalType key, LogicalType value) {
        ArrayNode out = NODES.arrayNode();
        ((Map<?, ?>) map)
                .forEach((k, v) -> out.add(NODES.arrayNode().add(toJson(k, key)).add(toJson(v, value))));
        return out;
    }

    private static JsonNode row(Row row, RowType type) {
        ObjectNode out = NODES.objectNode();
        for (int i = 0; i < type.getFieldCount(); i++) {
            out.set(type.getFieldNames().get(i), toJson(row.getField(i), type.getTypeAt(i)));
        }
        return out;
    }
}
