//! What a package puts beside the program.

use std::process::Command;

fn scimgate(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_scimgate"))
        .args(arguments)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn bash_completes_verbs_and_their_options() {
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("scimgate.bash");
    std::fs::write(&script, scimgate(&["completions", "bash"])).unwrap();
    let complete = |words: &str| {
        let output = Command::new("bash")
            .arg("-c")
            .arg(format!(
                "source {}; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
                 _scimgate scimgate \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"; echo \"${{COMPREPLY[@]}}\"",
                script.display()
            ))
            .output()
            .unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(complete("scimgate che").trim(), "check");
    assert_eq!(complete("scimgate probe --read").trim(), "--read-only");
}

#[test]
fn every_verb_has_a_manual_page() {
    let directory = tempfile::tempdir().unwrap();
    let pages = directory.path().join("man1");
    scimgate(&["man", pages.to_str().unwrap()]);
    let help = scimgate(&["help"]);
    let verbs = help
        .lines()
        .skip_while(|line| !line.starts_with("Commands:"))
        .skip(1)
        .take_while(|line| line.starts_with("  "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|verb| *verb != "help");
    let mut count = 0;
    for verb in verbs {
        let page = std::fs::read_to_string(pages.join(format!("scimgate-{verb}.1")));
        assert!(page.unwrap().contains(".SH SYNOPSIS"), "{verb}");
        count += 1;
    }
    assert!(count > 7, "{help}");
    let main = std::fs::read_to_string(pages.join("scimgate.1")).unwrap();
    assert!(main.contains(".TH scimgate 1"), "{main}");
}
