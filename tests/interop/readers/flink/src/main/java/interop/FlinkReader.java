package interop;

import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.table.api.TableResult;
import org.apache.flink.table.catalog.Column;
import org.apache.flink.types.Row;
import org.apache.flink.util.CloseableIterator;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads tables with Flink SQL and Paimon's connector: a JSON array ["read", warehouse, database, table] a line in, rows
 * as JSON and "#ok" or "#error" out.
 */
public final class FlinkReader {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final PrintWriter OUT = new PrintWriter(System.out, false, StandardCharsets.UTF_8);

    private final TableEnvironment environment =
            TableEnvironment.create(EnvironmentSettings.newInstance().inBatchMode().build());
    private final Map<String, String> catalogs = new HashMap<>();

    public static void main(String[] argv) throws Exception {
        FlinkReader reader = new FlinkReader();
        reader.environment.getConfig().set("table.local-time-zone", "UTC");
        reader.environment.getConfig().set("parallelism.default", "1");
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            try {
                JsonNode args = MAPPER.readTree(line);
                reader.read(args.get(1).asText(), args.get(2).asText(), args.get(3).asText());
                OUT.println("#ok");
            } catch (Exception | LinkageError e) {
                OUT.println("#error " + causes(e).replace('\n', ' '));
            }
            OUT.flush();
        }
        System.exit(0);
    }

    private static String causes(Throwable error) {
        StringBuilder text = new StringBuilder();
        for (Throwable cause = error; cause != null; cause = cause.getCause()) {
            text.append(cause).append("; ");
        }
        return text.toString();
    }

    private void read(String warehouse, String database, String table) throws Exception {
        String catalog = catalog(warehouse);
        TableResult result =
                environment.executeSql(
                        String.format("SELECT * FROM `%s`.`%s`.`%s`", catalog, database, table));
        List<Column> columns = result.getResolvedSchema().getColumns();
        List<String> lines = new ArrayList<>();
        try (CloseableIterator<Row> rows = result.collect()) {
            while (rows.hasNext()) {
                Row row = rows.next();
                ObjectNode json = MAPPER.createObjectNode();
                for (int i = 0; i < columns.size(); i++) {
                    json.set(
                            columns.get(i).getName(),
                            FlinkValues.toJson(
                                    row.getField(i), columns.get(i).getDataType().getLogicalType()));
                }
                lines.add(json.toString());
            }
        }
        lines.forEach(OUT::println);
    }

    private String catalog(String warehouse) {
        return catalogs.computeIfAbsent(
                warehouse,
                path -> {
                    String name = "c" + catalogs.size();
                    environment.executeSql(
                            String.format(
                                    "CREATE CATALOG %s WITH ('type'='paimon', 'warehouse'='%s')", name, path));
                    return name;
                });
    }
}
