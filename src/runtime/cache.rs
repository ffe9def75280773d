//! The processor's caches, as the system describes them.

use std::fs;
use std::sync::OnceLock;

/// What is assumed where the system says nothing: what most processors have that were made for
/// computing.
const USUAL: usize = 32 << 20;

/// The size of the largest cache that the first processor can use, in bytes.
pub(super) fn last_level() -> usize {
    static SIZE: OnceLock<usize> = OnceLock::new();
    *SIZE.get_or_init(|| {
        let read = |index: usize| {
            let text = fs::read_to_string(format!("/sys/devices/system/cpu/cpu0/cache/index{index}/size"));
            text.ok().and_then(|text| parse(text.trim()))
        };
        (0..8).map_while(read).max().filter(|&size| size >= 1 << 20).unwrap_or(USUAL)
    })
}

/// `512K` and the like.
fn parse(text: &str) -> Option<usize> {
    let number = text.trim_end_matches(|unit: char| unit.is_ascii_alphabetic());
    let scale = match &text[number.len()..] {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        _ => return None,
    };
    number.parse::<usize>().ok()?.checked_shl(scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_with_units() {
        for (text, size) in [("512", 512), ("32K", 32 << 10), ("32768K", 32 << 20), ("1M", 1 << 20)] {
            assert_eq!(parse(text), Some(size), "{text}");
        }
        for text in ["", "K", "-1K", "3T", "3 K"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert!(last_level() >= 1 << 20);
    }
}
