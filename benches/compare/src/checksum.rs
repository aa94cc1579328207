//! One number over every value of a scan, the same in all peers: longs, doubles as longs, the last byte of texts.

/// Rows seen and the sum of their values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checksum {
    /// Rows.
    pub rows: u64,
    /// Sum over all values, wrapping.
    pub sum: i64,
}

impl Checksum {
    /// Adds longs.
    pub fn longs(&mut self, values: impl Iterator<Item = i64>) {
        self.sum = values.fold(self.sum, i64::wrapping_add);
    }

    /// Adds texts.
    pub fn texts<'a>(&mut self, values: impl Iterator<Item = &'a str>) {
        self.longs(values.map(|text| text.as_bytes().last().map_or(0, |byte| i64::from(*byte))));
    }

    /// The line a worker prints: what the driver reads back.
    pub fn print(&self, work: &str, seconds: f64) {
        println!("{work}: {} rows {seconds:.3}s checksum={}", self.rows, self.sum);
    }
}
