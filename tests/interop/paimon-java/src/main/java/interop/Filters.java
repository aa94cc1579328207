package interop;

import org.apache.paimon.predicate.Predicate;
import org.apache.paimon.predicate.PredicateBuilder;
import org.apache.paimon.shade.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.paimon.types.DataType;
import org.apache.paimon.types.RowType;

import java.util.ArrayList;
import java.util.List;

/**
 * Predicates from JSON: {"op":"and"|"or","of":[..]}, {"op":"is null"|"is not null","column":c},
 * {"op":"in"|"not in","column":c,"values":[..]}, {"op":"="|"<>"|"<"|"<="|">"|">=","column":c,"value":v}.
 */
final class Filters {
    private Filters() {}

    static Predicate parse(JsonNode json, RowType type) {
        String op = json.get("op").asText();
        if (op.equals("and") || op.equals("or")) {
            List<Predicate> parts = new ArrayList<>();
            json.get("of").forEach(part -> parts.add(parse(part, type)));
            return op.equals("and") ? PredicateBuilder.and(parts) : PredicateBuilder.or(parts);
        }
        PredicateBuilder builder = new PredicateBuilder(type);
        int column = builder.indexOf(json.get("column").asText());
        DataType dataType = type.getTypeAt(column);
        switch (op) {
            case "is null":
                return builder.isNull(column);
            case "is not null":
                return builder.isNotNull(column);
            case "in":
                return builder.in(column, values(json.get("values"), dataType));
            case "not in":
                return builder.notIn(column, values(json.get("values"), dataType));
            default:
                return compare(builder, op, column, JsonValues.toValue(json.get("value"), dataType));
        }
    }

    private static List<Object> values(JsonNode json, DataType type) {
        List<Object> out = new ArrayList<>();
        json.forEach(value -> out.add(JsonValues.toValue(value, type)));
        return out;
    }

    private static Predicate compare(PredicateBuilder builder, String op, int column, Object value) {
        switch (op) {
            case "=":
                return builder.equal(column, value);
            case "<>":
                return builder.notEqual(column, value);
            case "<":
                return builder.lessThan(column, value);
            case "<=":
                return builder.lessOrEqual(column, value);
            case ">":
                return builder.greaterThan(column, value);
            case ">=":
                return builder.greaterOrEqual(column, value);
            default:
                throw new IllegalArgumentException("unknown comparison: " + op);
        }
    }
}
