//! Numbers as a person reads them.

/// `1,000,898`.
pub(crate) fn count(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if number < 0 {
        out.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1,000,898`, of what is counted in memory.
pub(crate) fn count_of(number: impl TryInto<i64>) -> String {
    count(number.try_into().unwrap_or(i64::MAX))
}

/// `1 file`, `2 files`.
pub(crate) fn counted(number: impl TryInto<i64>, noun: &str) -> String {
    let number = number.try_into().unwrap_or(i64::MAX);
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number))
}

/// `812 B`, `12.3 KiB`, `7.9 MiB`.
pub(crate) fn bytes(number: impl TryInto<i64>) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    let number = number.try_into().unwrap_or(i64::MAX);
    if number < 1024 {
        return format!("{number} B");
    }
    // Exact to one digit up to 2^53 bytes, which is all a person reads of it.
    let mut value = number as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::{bytes, count, counted};

    #[test]
    fn numbers_are_grouped() {
        let cases = [(0, "0"), (999, "999"), (1000, "1,000"), (-1000, "-1,000"), (1_000_898, "1,000,898")];
        for (number, wanted) in cases {
            assert_eq!(count(number), wanted);
        }
        assert_eq!(count(i64::MIN), "-9,223,372,036,854,775,808");
        assert_eq!((counted(1, "file"), counted(0, "file")), ("1 file".to_owned(), "0 files".to_owned()));
    }

    #[test]
    fn bytes_have_a_unit() {
        let cases = [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (12_595, "12.3 KiB"), (1_048_575, "1.0 MiB")];
        for (number, wanted) in cases {
            assert_eq!(bytes(number), wanted);
        }
        assert_eq!(bytes(i64::MAX), "8192.0 PiB");
    }
}
