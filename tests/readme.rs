//! The documents keep their word: the README's settings and commands are those of the binary, and files that the
//! documents name exist.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

fn page(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

fn help(verb: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aftermap"));
    // The help shows the present value of a variable.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AFTERMAP_")) {
        command.env_remove(name);
    }
    let output = command.args(verb).arg("--help").output().unwrap();
    assert!(output.status.success(), "aftermap {} --help: {}", verb.join(" "), output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// One setting of the server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Setting {
    flag: String,
    variable: String,
    default: String,
    what: String,
}

/// What `aftermap serve --help` says.
fn settings_of_help() -> BTreeSet<Setting> {
    let help = help(&["serve"]);
    let mut settings: Vec<Setting> = Vec::new();
    for line in help.lines().map(str::trim) {
        if line.starts_with("--") {
            settings.push(Setting { flag: line.to_owned(), ..Setting::default() });
        }
        let Some(setting) = settings.last_mut().filter(|_| !line.starts_with('-') && !line.is_empty()) else {
            continue;
        };
        if let Some(variable) = inside(line, "[env: ") {
            setting.variable = variable.trim_end_matches('=').to_owned();
        } else if setting.what.is_empty() {
            setting.what = line.split(" [default: ").next().unwrap_or(line).to_owned();
        }
        if let Some(default) = inside(line, "[default: ") {
            setting.default = default.to_owned();
        }
    }
    settings.into_iter().filter(|setting| !setting.variable.is_empty()).collect()
}

fn inside<'a>(line: &'a str, start: &str) -> Option<&'a str> {
    line.split_once(start)?.1.split(']').next()
}

/// What the table in the README says.
fn settings_of_readme() -> BTreeSet<Setting> {
    let readme = page("README.md");
    let rows = readme.lines().filter(|line| line.starts_with("| `--"));
    rows.map(|row| {
        let cells: Vec<String> = row.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect();
        let [flag, variable, default, what] = <[String; 4]>::try_from(cells).expect("four cells");
        Setting { flag, variable, default, what }
    })
    .collect()
}

#[test]
fn the_table_of_settings_is_that_of_the_help() {
    let help = settings_of_help();
    assert!(help.len() >= 5, "the help was read: {help:?}");
    assert_eq!(settings_of_readme(), help);
}

#[test]
fn every_command_in_the_readme_exists_with_its_flags() {
    let readme = page("README.md");
    let blocks = readme.split("```").skip(1).step_by(2).flat_map(str::lines);
    let mut commands = 0;
    for line in blocks.map(str::trim).filter(|line| line.starts_with("aftermap ")) {
        commands += 1;
        let words: Vec<&str> = line.split_whitespace().skip(1).collect();
        // Verbs come first; `campaign create` is one, `ingest --campaign` is not.
        let nested = ["campaign", "gold", "import", "user", "validation"].contains(&words[0]);
        let help = help(&words[..if nested { 2 } else { 1 }]);
        for flag in words.iter().filter(|word| word.starts_with("--")) {
            assert!(help.contains(&format!("{flag} ")), "{line}\nthere is no {flag}");
        }
    }
    assert!(commands >= 8, "{commands} commands were found");
}

#[test]
fn files_that_the_documents_name_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for document in ["README.md", "ARCHITECTURE.md"] {
        let text = page(document);
        let quoted = text.split('`').skip(1).step_by(2);
        let ours = ["src/", "tests/", "scripts/", "web/src", "migrations/", "LICENSE", "CHANGELOG", "ARCHITECTURE"];
        let named: Vec<&str> = quoted.filter(|name| ours.iter().any(|start| name.starts_with(start))).collect();
        assert!(named.len() > 2, "{document} names files");
        for name in named {
            assert!(root.join(name).exists(), "{document} names {name}, which is not there");
        }
    }
}

#[test]
fn the_readme_shows_pictures_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = page("README.md");
    let pictures: Vec<&str> = readme.split("](docs/").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    assert!(!pictures.is_empty());
    for picture in pictures {
        assert!(root.join("docs").join(picture).exists(), "the README shows docs/{picture}, which is not there");
    }
}

#[test]
fn both_commands_of_the_readme_are_targets_of_the_makefile() {
    let (readme, makefile) = (page("README.md"), page("Makefile"));
    for target in ["run", "test"] {
        assert!(readme.contains(&format!("make {target}")) && makefile.contains(&format!("\n{target}: ")));
    }
}
