//! `README.md`, followed to the letter: every block of it, in an empty directory.

use crate::reader::{Reader, snippets};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const SECRET: &str = "/run/secrets/globex-sosafe-key";

#[test]
fn every_block_of_the_readme_does_what_it_says() {
    let page = std::fs::read_to_string(format!("{ROOT}/README.md")).unwrap();
    let page = snippets(&page);
    assert!(page.len() > 20, "{} snippets", page.len());
    let mut reader = Reader::new();
    reader.variable("SOURCE", ROOT);
    // The tests run what was built for them.
    reader.means(
        "cargo install --locked --path .",
        "scimgate --version > /dev/null",
    );
    reader.house().write("secret", "key");
    let secret = reader.house().path().join("secret").display().to_string();
    reader.means(SECRET, &secret);
    reader.follow(&page);
}
