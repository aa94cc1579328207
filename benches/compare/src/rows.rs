//! The rows of the comparison: `k BIGINT` (key), `a, b, c, d BIGINT`, `x, y DOUBLE`, `s, t, u STRING` of 20 bytes.
//!
//! splitmix64 from a seed; the Java side (`Bench.java`, `RowMaker`) makes the same rows. Columns come out as plain vectors, so
//! that each peer builds arrays of its own arrow from them at the same cost.

/// Column names, in order.
pub const NAMES: [&str; 10] = ["k", "a", "b", "c", "d", "x", "y", "s", "t", "u"];

/// Rows a batch.
pub const BATCH_ROWS: u64 = 8192;

/// Some rows, column by column.
pub struct Columns {
    /// `k, a, b, c, d`.
    pub longs: [Vec<i64>; 5],
    /// `x, y`.
    pub doubles: [Vec<f64>; 2],
    /// `s, t, u`.
    pub texts: [Vec<String>; 3],
}

/// Makes the rows in order.
pub struct RowMaker {
    state: u64,
    keys: u64,
    sequence: u64,
}

impl RowMaker {
    /// Rows of `keys` distinct keys at most, from `seed`.
    pub fn new(seed: u64, keys: u64) -> Self {
        Self { state: seed, keys, sequence: 0 }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// The next `count` rows.
    pub fn columns(&mut self, count: u64) -> Columns {
        let draws: Vec<(u64, u64)> = (0..count).map(|_| (self.next(), self.next())).collect();
        let first = self.sequence;
        self.sequence += count;
        let long = |f: &dyn Fn(u64, u64) -> i64| draws.iter().map(|&(r, q)| f(r, q)).collect();
        let double = |f: &dyn Fn(u64, u64) -> f64| draws.iter().map(|&(r, q)| f(r, q)).collect();
        let text = |f: &dyn Fn(u64, u64) -> u64| draws.iter().map(|&(r, q)| format!("val-{:016x}", f(r, q))).collect();
        Columns {
            longs: [
                long(&|r, _| (r % self.keys) as i64),
                long(&|_, q| q as i64),
                long(&|_, q| (q & 0xFFFF) as i64),
                (first..first + count).map(|i| i as i64).collect(),
                long(&|r, _| r as i64 % 1000),
            ],
            doubles: [
                double(&|r, _| (r & 0xF_FFFF) as f64 / 1024.0),
                double(&|_, q| (q >> 11) as f64 * (-53f64).exp2()),
            ],
            texts: [text(&|_, q| q), text(&|r, _| r.rotate_right(4)), text(&|_, q| q & 0x3FF)],
        }
    }
}
