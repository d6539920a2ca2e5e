//! The picture of `ARCHITECTURE.md`, kept true: imports point to lower rooms only, each room keeps away from what is
//! not its business, and files stay small enough to be read.

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms from the ground up. Rooms of one floor do not use each other, apart from `crate::room` within itself.
const FLOORS: &[&[&str]] = &[
    &["domain"],
    &["consensus", "dispatch"],
    &["storage", "imagery", "export"],
    &["services"],
    // What the operator sets; read by the server and by the commands.
    &["config"],
    &["http"],
    // Above http, because `serve` and `demo` start it.
    &["cli"],
];

/// Something that code in some places must not say.
struct Ban {
    words: &'static [&'static str],
    /// Paths below `src/` where it must not stand; "" is everywhere.
    within: &'static [&'static str],
    /// Paths below `src/` where it may stand all the same.
    except: &'static [&'static str],
    why: &'static str,
}

const BANS: &[Ban] = &[
    Ban {
        words: &["async fn", "tokio", "std::fs", "std::net", "std::env", "std::process", "std::thread", "File::open"],
        within: &["domain", "consensus", "dispatch"],
        except: &[],
        why: "the pure rooms do no input or output: the same input gives the same bytes on every machine",
    },
    Ban {
        words: &["SystemTime", "Instant", "Utc::now", "Local::now", "rand::rng", "rand::random"],
        within: &["domain", "consensus", "dispatch"],
        except: &[],
        why: "the pure rooms read no clock and no entropy: time and random generators are arguments",
    },
    Ban {
        words: &["HashMap", "HashSet"],
        within: &["consensus"],
        except: &[],
        why: "their order differs from run to run, and consensus must give the same bytes each time",
    },
    Ban {
        words: &["SystemTime::now", "Utc::now", "Local::now"],
        within: &[""],
        except: &["services/clock.rs", "storage/ids.rs"],
        why: "the time is read in one place and passed on, so that one request has one time",
    },
    Ban {
        words: &["diesel"],
        within: &[""],
        except: &["storage"],
        why: "storage is the only room that knows how rows are read and written",
    },
    Ban {
        words: &["actix_web", "actix_rt", "HttpResponse"],
        within: &[""],
        except: &["http", "main.rs"],
        why: "what a service decides must hold for the command line too",
    },
    Ban {
        words: &["StatusCode::BAD", "StatusCode::UN", "StatusCode::FORB", "StatusCode::NOT_F", "StatusCode::CONF"],
        within: &["http"],
        except: &["http/error.rs"],
        why: "one file translates what went wrong into status codes, so that a refusal reads the same everywhere",
    },
    Ban {
        words: &["println!", "print!(", "eprint"],
        within: &[""],
        except: &["cli", "main.rs"],
        why: "standard output belongs to the commands; the rest logs",
    },
    Ban { words: &["todo!", "unimplemented!", "dbg!"], within: &[""], except: &[], why: "what is here works" },
];

/// Lines that a file may have before its reader loses the thread.
const MOST_LINES: usize = 400;

/// One source file: its path below `src/`, with `/`, and its text.
struct Source {
    path: String,
    text: String,
}

impl Source {
    /// The room it stands in: the first folder, or the file's own name.
    fn room(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or(&self.path);
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// Its lines of code with their numbers: without comments, and without the test module at its end.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let numbered = self.text.lines().enumerate().map(|(index, line)| (index + 1, line));
        let code = numbered.take_while(|(_, line)| line.trim() != "#[cfg(test)]");
        code.map(|(number, line)| (number, line.split("//").next().unwrap_or("")))
    }
}

fn below(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            below(&path, ending, found);
        } else if path.to_str().is_some_and(|path| path.ends_with(ending)) {
            found.push(path);
        }
    }
}

fn sources() -> Vec<Source> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    below(&src, ".rs", &mut paths);
    assert!(paths.len() > 30, "the sources were found");
    paths.sort();
    let read = |path: PathBuf| Source {
        path: path.strip_prefix(&src).unwrap().to_str().unwrap().replace('\\', "/"),
        text: fs::read_to_string(&path).unwrap(),
    };
    paths.into_iter().map(read).collect()
}

/// How high a room stands; `None` for what is no room.
fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// The first names of all paths that begin at the crate: `crate::a::b` gives a, `crate::{a, b::c}` gives a and b.
fn rooms_named(line: &str) -> Vec<&str> {
    let name = |text: &str| text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let mut found = Vec::new();
    for (at, start) in line.match_indices("crate::") {
        let rest = &line[at + start.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            found.push(&rest[..name(rest)]);
            continue;
        };
        let mut depth = 0;
        let mut begin = 0;
        for (index, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth > 0 => depth -= 1,
                ',' | '}' if depth == 0 => {
                    let item = group[begin..index].trim();
                    found.push(&item[..name(item)]);
                    begin = index + 1;
                }
                _ => {}
            }
            if c == '}' && begin == index + 1 {
                break;
            }
        }
    }
    found
}

/// What is wrong with the imports of one file.
fn wrong_imports(source: &Source) -> Vec<String> {
    let Some(mine) = floor(source.room()) else { return Vec::new() };
    // Groups may span lines; a statement never does more than that.
    let code: Vec<&str> = source.text.lines().map(|line| line.split("//").next().unwrap_or("")).collect();
    let code = code.join(" ");
    let mut wrong = Vec::new();
    for room in rooms_named(&code).into_iter().filter(|room| !room.is_empty() && *room != source.room()) {
        match floor(room) {
            Some(theirs) if theirs < mine => {}
            Some(_) => wrong.push(format!("src/{} uses `{room}`, which is not below it", source.path)),
            None => wrong.push(format!("src/{} names crate::{room}, which is no room", source.path)),
        }
    }
    // `super` must not leave the room unseen: from a room's mod.rs it is the crate itself.
    let leaves = if source.path.matches('/').count() == 1 && source.path.ends_with("/mod.rs") {
        "super::"
    } else {
        "super::super::super"
    };
    if source.code().any(|(_, line)| line.contains(leaves)) {
        wrong.push(format!("src/{} leaves its room by `{leaves}`: write crate::room", source.path));
    }
    wrong
}

/// What one file says that it must not.
fn banned(source: &Source) -> Vec<String> {
    let stands_in = |places: &[&str]| places.iter().any(|place| place.is_empty() || is_below(&source.path, place));
    let mut wrong = Vec::new();
    for ban in BANS.iter().filter(|ban| stands_in(ban.within) && !stands_in(ban.except)) {
        for (number, line) in source.code() {
            for word in ban.words.iter().filter(|word| line.contains(*word)) {
                wrong.push(format!("src/{}:{number} says `{word}`: {}", source.path, ban.why));
            }
        }
    }
    wrong
}

fn is_below(path: &str, place: &str) -> bool {
    path == place || path.strip_prefix(place).is_some_and(|rest| rest.starts_with('/'))
}

fn assert_none(wrong: Vec<String>) {
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn imports_point_to_lower_rooms_only() {
    assert_none(sources().iter().flat_map(wrong_imports).collect());
}

#[test]
fn every_room_keeps_to_its_business() {
    assert_none(sources().iter().flat_map(banned).collect());
}

#[test]
fn every_folder_and_file_of_src_has_its_floor() {
    let known = |source: &&Source| floor(source.room()).is_none() && !["lib", "main"].contains(&source.room());
    assert_none(sources().iter().filter(known).map(|source| format!("src/{} stands nowhere", source.path)).collect());
}

#[test]
fn every_room_is_on_the_map() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let map = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let crate_doc = fs::read_to_string(root.join("src/lib.rs")).unwrap();
    let mut rooms: Vec<String> = sources().iter().map(|source| source.room().to_owned()).collect();
    rooms.dedup();
    rooms.retain(|room| !["lib", "main"].contains(&room.as_str()));
    let missing = |room: &String| !map.contains(&format!("`{room}`")) || !crate_doc.contains(&format!("[`{room}`]"));
    let missing = rooms.iter().filter(|room| missing(room));
    assert_none(missing.map(|room| format!("{room} is missing in ARCHITECTURE.md or in the doc of lib.rs")).collect());
}

#[test]
fn every_file_says_its_purpose_first() {
    let silent = |source: &&Source| !source.text.starts_with("//! ");
    assert_none(
        sources().iter().filter(silent).map(|source| format!("src/{} begins without //!", source.path)).collect(),
    );
}

#[test]
fn no_file_is_too_long_to_read() {
    let too_long = |source: &&Source| source.text.lines().count() > MOST_LINES;
    let line = |source: &Source| format!("src/{} has over {MOST_LINES} lines", source.path);
    assert_none(sources().iter().filter(too_long).map(line).collect());
}

// That the checks above see what they look for.

fn sample(path: &str, text: &str) -> Source {
    Source { path: path.into(), text: text.into() }
}

#[test]
fn an_import_from_above_is_seen() {
    for text in [
        "use crate::services::Error;",
        "use crate::{\n    domain::Tile,\n    services::{self, Error},\n};",
        "fn f() { crate::http::serve() }",
        "use super::super::super::services::Error;",
    ] {
        assert_eq!(wrong_imports(&sample("storage/scenes/tiles.rs", text)).len(), 1, "{text}");
    }
    assert_eq!(wrong_imports(&sample("export/csv.rs", "use crate::storage::Conn;")).len(), 1, "the same floor");
    let fine = "// crate::http is above\nuse crate::{domain::{Tile, Cell}, storage::Conn}; use super::Conn;";
    assert_eq!(wrong_imports(&sample("storage/scenes/tiles.rs", fine)), Vec::<String>::new());
}

#[test]
fn a_banned_word_is_seen_in_code_and_not_in_comments_or_tests() {
    let seen = |path, text| banned(&sample(path, text)).len();
    assert_eq!(seen("consensus/fit.rs", "fn f() { std::fs::read(p) }"), 1);
    assert_eq!(seen("consensus/fit.rs", "/// never std::fs\n#[cfg(test)]\nmod tests { use std::fs; }"), 0);
    assert_eq!(seen("services/refit.rs", "use diesel::prelude::*;"), 1);
    assert_eq!(seen("storage/scenes/tiles.rs", "use diesel::prelude::*;"), 0);
    assert_eq!(seen("http/labelling/labels.rs", "StatusCode::NOT_FOUND"), 1);
    assert_eq!(seen("http/error.rs", "StatusCode::NOT_FOUND"), 0);
}
