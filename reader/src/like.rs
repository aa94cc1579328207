//! SQL LIKE: `%` stands for any characters, `_` for one, and an escape character takes the meaning from the next.
//!
//! Goes in: a pattern and its escape character. Comes out: whether a text matches as a whole. Matching takes
//! O(text x pattern) steps at worst and no memory.

use alluvium_format::{Error, Result};

/// A parsed LIKE pattern.
#[derive(Debug)]
pub(crate) struct LikePattern {
    tokens: Vec<Token>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Token {
    AnyText,
    AnyChar,
    Char(char),
}

impl LikePattern {
    /// # Errors
    /// `Invalid` when the escape character stands before anything but `%`, `_` or itself.
    pub(crate) fn parse(pattern: &str, escape: Option<char>) -> Result<Self> {
        let mut tokens = Vec::with_capacity(pattern.len());
        let mut chars = pattern.chars();
        while let Some(char) = chars.next() {
            tokens.push(match char {
                char if Some(char) == escape => match chars.next() {
                    Some(next @ ('%' | '_')) => Token::Char(next),
                    Some(next) if Some(next) == escape => Token::Char(next),
                    _ => {
                        return Err(Error::invalid(format!(
                            "the pattern {pattern:?} has its escape character {char:?} before something else than %, _ or itself"
                        )));
                    }
                },
                '%' => Token::AnyText,
                '_' => Token::AnyChar,
                char => Token::Char(char),
            });
        }
        tokens.dedup_by(|later, earlier| *later == Token::AnyText && *earlier == Token::AnyText);
        Ok(Self { tokens })
    }

    /// Whether all of `text` matches.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let (mut rest, mut at) = (text, 0);
        // Where to go on when the text after the last `%` does not match: one character further.
        let mut retry: Option<(&str, usize)> = None;
        loop {
            let mut chars = rest.chars();
            let next = chars.next();
            match (self.tokens.get(at), next) {
                (Some(Token::AnyText), _) => {
                    at += 1;
                    retry = Some((rest, at));
                    continue;
                }
                (Some(Token::AnyChar), Some(_)) => {
                    (rest, at) = (chars.as_str(), at + 1);
                    continue;
                }
                (Some(Token::Char(wanted)), Some(char)) if *wanted == char => {
                    (rest, at) = (chars.as_str(), at + 1);
                    continue;
                }
                (None, None) => return true,
                _ => {}
            }
            let Some((from, token)) = retry else { return false };
            let mut chars = from.chars();
            if chars.next().is_none() {
                return false;
            }
            (rest, at) = (chars.as_str(), token);
            retry = Some((rest, at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::LikePattern;

    #[test]
    fn matches_the_table() {
        let cases = [
            ("abc", "abc", true),
            ("abc", "abcd", false),
            ("a%", "a", true),
            ("a%c", "abbc", true),
            ("a%c", "abcb", false),
            ("%b%", "abc", true),
            ("%%", "", true),
            ("_", "", false),
            ("_", "ü", true),
            ("__", "ü", false),
            ("%a_c%", "xxabaacyy", true),
            ("%aab", "aaaab", true),
            ("a\\%", "a%", true),
            ("a\\%", "ab", false),
            ("a\\\\", "a\\", true),
            ("", "", true),
            ("", "a", false),
        ];
        for (pattern, text, wanted) in cases {
            let parsed = LikePattern::parse(pattern, Some('\\')).unwrap();
            assert_eq!(parsed.matches(text), wanted, "{text:?} LIKE {pattern:?}");
        }
    }

    #[test]
    fn without_an_escape_a_backslash_is_a_character() {
        assert!(LikePattern::parse("a\\%", None).unwrap().matches("a\\b"));
    }

    #[test]
    fn refuses_an_escape_before_something_else() {
        assert!(LikePattern::parse("a\\b", Some('\\')).is_err());
        assert!(LikePattern::parse("a\\", Some('\\')).is_err());
    }
}
