//! Tables of texts and what becomes of them: cases separated by `===`, in each the text and what is
//! expected separated by `---`.

use std::fmt::Write;
use std::{env, fs};

/// Compares each case of a table with what `actual` makes of its text; `NUMFUSE_BLESS=1` rewrites it.
pub(crate) fn check_table(file: &str, actual: impl Fn(&str) -> String) {
    let path = format!("{}/tests/{file}", env!("CARGO_MANIFEST_DIR"));
    let table = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut blessed = Vec::new();
    let mut wrong = String::new();
    for case in table.split("\n===\n") {
        let (text, expected) = case.split_once("\n---").unwrap_or((case.trim_end_matches('\n'), ""));
        let found = actual(text);
        let found = found.trim_end_matches('\n');
        if found != expected.trim_matches('\n') {
            _ = write!(wrong, "text:\n{text}\nexpected:{expected}\nfound:\n{found}\n\n");
        }
        blessed.push(format!("{text}\n---\n{found}"));
    }
    if env::var_os("NUMFUSE_BLESS").is_some() {
        fs::write(&path, blessed.join("\n===\n") + "\n").expect("the table can be written");
    } else {
        assert!(wrong.is_empty(), "{file} (NUMFUSE_BLESS=1 rewrites it):\n{wrong}");
    }
}
