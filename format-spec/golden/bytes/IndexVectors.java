package interop;

import org.apache.paimon.shade.jackson2.com.fasterxml.jackson.databind.*;
import org.apache.paimon.shade.jackson2.com.fasterxml.jackson.databind.node.*;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.CRC32;
import org.apache.paimon.CoreOptions;
import org.apache.paimon.data.*;
import org.apache.paimon.fileindex.*;
import org.apache.paimon.fs.local.LocalFileIO;
import org.apache.paimon.io.DataFileIndexWriter;
import org.apache.paimon.options.Options;
import org.apache.paimon.schema.*;
import org.apache.paimon.types.*;

/** Prints file-index-rules.json and file-index-containers.json into a folder: {@code IndexVectors FOLDER}. */
public final class IndexVectors {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] args) throws Exception {
        ArrayNode out = JSON.createArrayNode();
        Object[][] cases = {
            // index, type, rows, step, modulus, nullEvery, options
            {"bitmap", "INT", 10000, 1, 5, 0, ""}, {"bitmap", "INT", 10000, 1, 5, 3, ""},
            {"bitmap", "INT", 70000, 1000, 50, 0, ""}, {"bitmap", "INT", 140000, 1, 2, 0, ""},
            {"bitmap", "INT", 20000, 1, 5000, 7, ""}, {"bitmap", "BIGINT", 600, 1, 300, 599, ""},
            {"bitmap", "STRING", 3000, 1, 700, 0, "index-block-size=1kb"}, {"bitmap", "STRING", 40, 1, 40, 39, ""},
            {"bitmap", "TINYINT", 500, 1, 100, 3, ""}, {"bitmap", "SMALLINT", 500, 3, 90, 3, ""}, {"bitmap", "DOUBLE", 900, 1, 80, 4, ""},
            {"bitmap", "FLOAT", 900, 1, 12, 4, ""}, {"bitmap", "TIMESTAMP(6)", 900, 1, 80, 4, ""}, {"bitmap", "BOOLEAN", 900, 1, 80, 4, ""},
            {"bitmap", "INT", 2000, 1, 50, 3, "version=1"}, {"bitmap", "INT", 60, 1, 59, 59, "version=1"}, {"bitmap", "STRING", 700, 1, 50, 0, "version=1"},
            {"bitmap", "BIGINT", 700, 1, 600, 5, "version=1"}, {"bitmap", "INT", 50, 1, 1, 1, "version=1"}, {"bitmap", "INT", 0, 1, 1, 0, ""},
            {"bitmap", "INT", 3000, 1, 3000, 0, "index-block-size=300 b"},
            {"bsi", "INT", 5000, 1, 1000, 3, ""}, {"bsi", "INT", 300, 1, 1, 3, ""}, {"bsi", "BIGINT", 70000, 500, 100000, 0, ""}, {"bsi", "DECIMAL(20, 2)", 400, 1, 90, 5, ""},
            {"bsi", "TIMESTAMP(6)", 400, 1, 90, 5, ""}, {"bsi", "DATE", 400, 1, 90, 0, ""}, {"bsi", "INT", 0, 1, 1, 0, ""}, {"bsi", "INT", 20, 1, 1, 1, ""},
            {"range-bitmap", "INT", 5000, 1, 3000, 3, ""}, {"range-bitmap", "INT", 9000, 1, 9000, 0, ""}, {"range-bitmap", "INT", 800, 1, 500, 3, "chunk-size=100 b"},
            {"range-bitmap", "INT", 100, 1, 50, 0, "chunk-size=0 b"}, {"range-bitmap", "BIGINT", 70000, 1000, 90, 0, ""},
            {"range-bitmap", "STRING", 2000, 1, 900, 7, ""}, {"range-bitmap", "STRING", 2000, 1, 900, 7, "chunk-size=256 b"},
            {"range-bitmap", "TINYINT", 500, 1, 100, 3, ""}, {"range-bitmap", "SMALLINT", 500, 1, 90, 0, ""}, {"range-bitmap", "BOOLEAN", 500, 1, 90, 4, ""},
            {"range-bitmap", "DOUBLE", 500, 1, 90, 0, ""}, {"range-bitmap", "FLOAT", 500, 1, 90, 0, ""}, {"range-bitmap", "DECIMAL(10, 2)", 500, 1, 90, 0, ""},
            {"range-bitmap", "TIMESTAMP(3)", 500, 1, 90, 0, ""}, {"range-bitmap", "TIMESTAMP_LTZ(6)", 500, 1, 90, 0, ""}, {"range-bitmap", "INT", 0, 1, 1, 0, ""}, {"range-bitmap", "INT", 30, 1, 1, 1, ""},
            {"bloom-filter", "INT", 5000, 1, 5000, 3, "items=5000;fpp=0.01"}, {"bloom-filter", "STRING", 2000, 1, 1999, 3, ""}, {"bloom-filter", "BIGINT", 3000, 1, 3000, 3, "items=100;fpp=0.5"},
            {"bloom-filter", "TIMESTAMP(6)", 3000, 1, 3000, 3, "items=3000"}, {"bloom-filter", "DOUBLE", 3000, 1, 3000, 3, "items=3000"}, {"bloom-filter", "SMALLINT", 3000, 1, 3000, 3, "items=3000;fpp=0.001"},
        };
        for (Object[] c : cases) {
            ObjectNode v = out.addObject();
            DataType type = type((String) c[1]);
            Map<String, String> options = options((String) c[6]);
            v.put("index", (String) c[0]).put("type", (String) c[1]).put("rows", (int) c[2]).put("step", (int) c[3]).put("modulus", (int) c[4]).put("nullEvery", (int) c[5]);
            v.set("options", JSON.valueToTree(options));
            FileIndexWriter writer = FileIndexer.create((String) c[0], type, new Options(options)).createWriter();
            for (int i = 0; i < (int) c[2]; i++) {
                writer.writeRecord(value(type, i, (int) c[3], (int) c[4], (int) c[5]));
            }
            byte[] body = writer.serializedBytes();
            v.put("length", body.length);
            if (body.length <= 2000) v.put("body", hex(body)); else { CRC32 crc = new CRC32(); crc.update(body); v.put("crc32", crc.getValue()); }
        }
        save(Path.of(args[0]), "file-index-rules.json", out);
        save(Path.of(args[0]), "file-index-containers.json", containers());
    }

    private static ArrayNode containers() throws Exception {
        ArrayNode out = JSON.createArrayNode();
        String[][] cases = {
            {"a INT, b STRING", "file-index.bloom-filter.columns=a,b;file-index.bloom-filter.a.items=10;file-index.bloom-filter.b.items=20;file-index.bitmap.columns=b", "[[1,'x'],[2,null],[3,'x']]"},
            {"a INT, b STRING, c DOUBLE", "file-index.bitmap.columns=c,a,b;file-index.bitmap.a.version=1;file-index.range-bitmap.columns=a,b;file-index.bsi.columns=a", "[[1,'x',1.5],[2,null,null],[3,'x',-0.0]]"},
            {"customer_id INT, order_date DATE, amount BIGINT, status STRING, region STRING, sku STRING, qty SMALLINT, price DOUBLE, flag BOOLEAN, zz INT, yy INT, xx INT, ww INT, Aa INT, BB INT",
             "file-index.bitmap.columns=customer_id,order_date,amount,status,region,sku,qty,price,flag,zz,yy,xx,ww,Aa,BB", "[[1,'2024-01-01',5,'s','r','k',3,1.5,true,1,2,3,4,5,6]]"},
            {"m MAP<STRING, INT>, k INT", "file-index.bitmap.columns=m[a],m[b],k;file-index.bitmap.m.version=1;file-index.bloom-filter.columns=m[c];file-index.bloom-filter.m[c].items=4",
             "[[{'a':1,'b':2},5],[null,6],[{'a':1,'c':9},7],[{'z':1,'b':null},8]]"},
            {"m MAP<STRING, INT>, k INT", "file-index.bitmap.columns=m[a],k", "[]"},
        };
        for (String[] c : cases) {
            ObjectNode v = out.addObject();
            List<DataField> fields = new ArrayList<>();
            for (String field : c[0].split(", (?=[A-Za-z_]+ [A-Z])")) {
                String[] parts = field.split(" ", 2);
                fields.add(new DataField(fields.size(), parts[0], type(parts[1])));
            }
            RowType rowType = new RowType(fields);
            ObjectNode columns = v.putObject("columns");
            for (DataField field : fields) columns.set(field.name(), JSON.readTree(org.apache.paimon.utils.JsonSerdeUtil.toFlatJson(field.type())));
            Map<String, String> options = options(c[1]);
            options.put("file-index.in-manifest-threshold", "1 mb");
            v.set("options", JSON.valueToTree(options));
            JsonNode rows = JSON.readTree(c[2].replace('\'', '"'));
            v.set("rows", rows);
            DataFileIndexWriter writer = DataFileIndexWriter.create(new LocalFileIO(), new org.apache.paimon.fs.Path("/tmp/none"), rowType, new FileIndexOptions(new CoreOptions(options)));
            for (JsonNode row : rows) {
                GenericRow r = new GenericRow(fields.size());
                for (int i = 0; i < fields.size(); i++) r.setField(i, JsonValues.toValue(row.get(i), rowType.getTypeAt(i)));
                writer.write(r);
            }
            writer.close();
            v.put("container", hex(writer.result().embeddedIndexBytes()));
        }
        return out;
    }

    private static Object value(DataType type, int i, int step, int modulus, int nullEvery) {
        if (nullEvery > 0 && i % nullEvery == 0) return null;
        long n = (long) (i / step) * 7919 % modulus - modulus / 2;
        switch (type.getTypeRoot()) {
            case TINYINT: return (byte) n;
            case SMALLINT: return (short) n;
            case INTEGER: case DATE: return (int) n;
            case BIGINT: return n * 1_000_000_007L;
            case FLOAT: return (float) n / 4;
            case DOUBLE: return (double) n / 4;
            case BOOLEAN: return n % 2 == 0;
            case DECIMAL: return Decimal.fromUnscaledLong(n, ((DecimalType) type).getPrecision() > 18 ? 18 : ((DecimalType) type).getPrecision(), ((DecimalType) type).getScale());
            case TIMESTAMP_WITHOUT_TIME_ZONE: return ((TimestampType) type).getPrecision() <= 3 ? Timestamp.fromEpochMillis(n) : Timestamp.fromMicros(n);
            case TIMESTAMP_WITH_LOCAL_TIME_ZONE: return Timestamp.fromMicros(n);
            default: return BinaryString.fromString("v" + n);
        }
    }

    private static DataType type(String text) throws Exception {
        if (text.startsWith("MAP")) return DataTypes.MAP(DataTypes.STRING(), DataTypes.INT());
        return DataTypeJsonParser.parseDataType(JSON_TEXT(text), new AtomicInteger(-1));
    }
    private static org.apache.paimon.shade.jackson2.com.fasterxml.jackson.databind.JsonNode JSON_TEXT(String text) {
        return org.apache.paimon.shade.jackson2.com.fasterxml.jackson.databind.node.TextNode.valueOf(text);
    }
    private static Map<String, String> options(String text) {
        Map<String, String> out = new LinkedHashMap<>();
        for (String pair : text.split(";")) if (!pair.isEmpty()) out.put(pair.split("=")[0], pair.split("=")[1]);
        return out;
    }
    private static String hex(byte[] bytes) { StringBuilder b = new StringBuilder(); for (byte x : bytes) b.append(String.format("%02x", x)); return b.toString(); }
    private static void save(Path folder, String name, ArrayNode vectors) throws Exception {
        StringBuilder text = new StringBuilder("[\n");
        for (int i = 0; i < vectors.size(); i++) text.append(vectors.get(i)).append(i + 1 < vectors.size() ? ",\n" : "\n");
        Files.writeString(folder.resolve(name), text + "]\n");
    }
}
