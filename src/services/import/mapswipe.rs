//! MapSwipe's files: results in the columns of both back ends, sessions without a header, tasks, groups and counts.

use std::path::{Path, PathBuf};

use csv::StringRecord;

use super::files::{self, Kind, rows, source_file, unguarded, wrong, wrong_cell, wrong_row};
use super::places::Outlines;
use super::sessions::Sessions;
use super::times::parse_time;
use super::{Given, Meaning, Project, Published};
use crate::domain::names::Names;
use crate::services::Error;

/// Reads the files, or those of a folder that are known, and checks all of it. `project` chooses one where files hold
/// several; no answer may be later than `latest` (milliseconds since 1970, UTC).
///
/// # Errors
/// A sentence that names the file, the line and the column.
pub fn read_mapswipe(
    paths: &[PathBuf],
    tiles: Option<&Path>,
    meaning: &Meaning,
    project: Option<&str>,
    latest: i64,
) -> Result<Project, Error> {
    let found = files::find(paths)?;
    if !found.iter().any(|(_, kind)| matches!(kind, Kind::Results | Kind::SessionResults)) {
        let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        return Err(Error::Conflict(format!("{}: no file of answers (results*.csv) is there", names.join(", "))));
    }
    let mut reading = Reading::new("mapswipe", meaning, project, latest);
    if let Some(path) = tiles {
        reading.read_tiles(path)?;
    }
    for (path, kind) in &found {
        let rows = match kind {
            Kind::Sessions => reading.sessions.read_sessions(path)?,
            Kind::Groups => reading.sessions.read_groups(path)?,
            Kind::SessionResults => reading.session_results(path)?,
            Kind::Results => reading.results(path)?,
            Kind::Tasks => reading.tasks(path)?,
            Kind::Counts => reading.counts(path)?,
            Kind::Features => reading.outlines.read(path, &mut reading.project.published)?,
        };
        reading.project.files.push(source_file(path, *kind, rows)?);
    }
    reading.add_ranges()?;
    reading.finish()
}

/// What was read so far.
pub struct Reading<'a> {
    meaning: &'a Meaning,
    wanted: Option<&'a str>,
    latest: i64,
    /// Outlines of tasks that are no cells.
    pub outlines: Outlines,
    sessions: Sessions,
    /// The project as far as it is known.
    pub project: Project,
}

/// The cells of one answer, as a file has them.
pub struct Cells<'a> {
    /// The file.
    pub path: &'a Path,
    /// Line of the row.
    pub line: u64,
    /// The project, if the file names it.
    pub project: Option<&'a str>,
    /// The task, with its column.
    pub task: (&'a str, &'a str),
    /// The author, with its column.
    pub person: (&'a str, &'a str),
    /// The answer, with its column.
    pub answer: (&'a str, &'a str),
    /// When it was given, with its column.
    pub at: Option<(&'a str, &'a str)>,
    /// When its author began, likewise.
    pub began_at: Option<(&'a str, &'a str)>,
    /// The program, `name/version`; empty where unknown.
    pub client: &'a str,
}

impl<'a> Reading<'a> {
    /// Nothing read yet.
    pub fn new(source: &'static str, meaning: &'a Meaning, wanted: Option<&'a str>, latest: i64) -> Reading<'a> {
        let project = Project {
            source,
            id: None,
            files: Vec::new(),
            tasks: Names::default(),
            places: Vec::new(),
            people: Names::default(),
            clients: Names::default(),
            given: Vec::new(),
            timed: true,
            repeated: 0,
            published: Vec::new(),
        };
        Reading { meaning, wanted, latest, outlines: Outlines::default(), sessions: Sessions::default(), project }
    }

    /// Reads outlines; each is a tile, with an answer or without.
    pub fn read_tiles(&mut self, path: &Path) -> Result<(), Error> {
        let features = self.outlines.read(path, &mut Vec::new())?;
        for task in self.outlines.tasks() {
            self.project.tasks.number(task);
        }
        self.project.files.push(source_file(path, Kind::Features, features)?);
        Ok(())
    }

    /// Takes in one answer; one of a project that is not wanted is passed over.
    pub fn add(&mut self, cells: &Cells<'_>) -> Result<(), Error> {
        if !self.is_wanted(cells.project).map_err(|reason| wrong_cell(cells.path, cells.line, "project_id", reason))? {
            return Ok(());
        }
        let fault = |column: &str, reason: String| wrong_cell(cells.path, cells.line, column, reason);
        for (column, text) in [cells.task, cells.person, cells.answer] {
            if text.is_empty() {
                return Err(fault(column, "is empty".into()));
            }
            if text.len() > 200 || text.contains(char::is_control) {
                return Err(fault(column, "is longer than 200 bytes or holds control characters".into()));
            }
        }
        let id = unguarded(cells.task.1);
        self.outlines.check(id).map_err(|reason| fault(cells.task.0, reason))?;
        let answer = self.meaning.answer(cells.answer.1).map_err(|reason| fault(cells.answer.0, reason))?;
        let time = |(column, text): (&str, &str)| self.time(text).map_err(|reason| fault(column, reason));
        let at = match cells.at {
            Some(cell) => time(cell)?,
            None => self.project.given.len() as i64,
        };
        let began_at = cells.began_at.map(time).transpose()?.unwrap_or(at).min(at);
        let client = if cells.client.is_empty() { 0 } else { self.project.clients.number(cells.client) + 1 };
        let (task, person) = (self.project.tasks.number(id), self.project.people.number(cells.person.1));
        self.project.given.push(Given { task, person, at, answer, began_at, client });
        Ok(())
    }

    fn is_wanted(&mut self, id: Option<&str>) -> Result<bool, String> {
        let Some(id) = id else { return Ok(true) };
        if self.wanted.is_some_and(|wanted| wanted != id) {
            return Ok(false);
        }
        match &self.project.id {
            None => self.project.id = Some(id.to_owned()),
            Some(first) if first != id => {
                return Err(format!("the files hold the projects `{first}` and `{id}`: choose one with --project"));
            }
            Some(_) => {}
        }
        Ok(true)
    }

    fn time(&self, text: &str) -> Result<i64, String> {
        let at = parse_time(text).ok_or_else(|| format!("`{text}` is no time like 2021-09-08 09:10:22.266"))?;
        if at > self.latest {
            return Err(format!("`{text}` lies in the future"));
        }
        Ok(at)
    }

    fn results(&mut self, path: &Path) -> Result<u64, Error> {
        let mut reader = rows(path)?;
        let header = reader.headers().map_err(|error| wrong_row(path, &error))?.clone();
        let column = |name: &str| header.iter().position(|column| column.trim() == name);
        let (task, person, answer) = (column("task_id"), column("user_id"), column("result"));
        let (Some(task), Some(person), Some(answer)) = (task, person, answer) else {
            return Err(wrong(path, "line 1: the columns task_id, user_id and result are needed"));
        };
        if column("task_partition_index").is_some() {
            return Err(wrong(
                path,
                "line 1: a Locate project (task_partition_index) has several answers for one tile",
            ));
        }
        let (project, client, version) = (column("project_id"), column("client_type"), column("app_version"));
        // The end of a group is when its answers were sent; what the new back end calls timestamp is its start.
        let at = ["end_time", "timestamp", "start_time"].into_iter().find_map(|name| Some((name, column(name)?)));
        let began_at = ["start_time", "timestamp"].into_iter().find_map(|name| Some((name, column(name)?)));
        self.project.timed &= at.is_some();
        let (mut record, mut count, mut program) = (StringRecord::new(), 0, String::new());
        while reader.read_record(&mut record).map_err(|error| wrong_row(path, &error))? {
            let cell = |place: usize| record[place].trim();
            let named = |at: Option<(&'static str, usize)>| at.map(|(name, place)| (name, cell(place)));
            program.clear();
            program.push_str(client.map_or("", cell));
            if let Some(version) = version.map(cell).filter(|version| !version.is_empty() && !program.is_empty()) {
                program.push('/');
                program.push_str(version);
            }
            self.add(&Cells {
                path,
                line: record.position().map_or(0, csv::Position::line),
                project: project.map(cell),
                task: ("task_id", cell(task)),
                person: ("user_id", cell(person)),
                answer: ("result", cell(answer)),
                at: named(at),
                began_at: named(began_at),
                client: &program,
            })?;
            count += 1;
        }
        Ok(count)
    }

    fn session_results(&mut self, path: &Path) -> Result<u64, Error> {
        let mut reader = files::tab_rows(path)?;
        let (mut record, mut count) = (StringRecord::new(), 0);
        let sessions = std::mem::take(&mut self.sessions);
        while reader.read_record(&mut record).map_err(|error| wrong_row(path, &error))? {
            let line = record.position().map_or(0, csv::Position::line);
            let session = sessions.of(record[0].trim()).map_err(|reason| wrong_cell(path, line, "1", reason))?;
            self.add(&Cells {
                path,
                line,
                project: Some(&session.project),
                task: ("2", record[1].trim()),
                person: ("user", &session.person),
                answer: ("3", record[2].trim()),
                at: Some(("end", &session.ended)),
                began_at: Some(("start", &session.began)),
                client: "",
            })?;
            count += 1;
        }
        self.sessions = sessions;
        Ok(count)
    }

    fn tasks(&mut self, path: &Path) -> Result<u64, Error> {
        let mut reader = rows(path)?;
        let header = reader.headers().map_err(|error| wrong_row(path, &error))?.clone();
        let column = |name: &str| header.iter().position(|column| column.trim() == name);
        let (task, project) = (column("task_id"), column("project_id"));
        let task = task.ok_or_else(|| wrong(path, "line 1: the column task_id is needed"))?;
        let (mut record, mut count) = (StringRecord::new(), 0);
        while reader.read_record(&mut record).map_err(|error| wrong_row(path, &error))? {
            let line = record.position().map_or(0, csv::Position::line);
            let of = project.map(|place| record[place].trim());
            count += 1;
            if !self.is_wanted(of).map_err(|reason| wrong_cell(path, line, "project_id", reason))? {
                continue;
            }
            let id = unguarded(record[task].trim());
            self.outlines.check(id).map_err(|reason| wrong_cell(path, line, "task_id", reason))?;
            self.project.tasks.number(id);
        }
        Ok(count)
    }

    fn counts(&mut self, path: &Path) -> Result<u64, Error> {
        let mut reader = rows(path)?;
        let header = reader.headers().map_err(|error| wrong_row(path, &error))?.clone();
        let column = |name: &str| header.iter().position(|column| column.trim() == name);
        let (Some(task), Some(yes), Some(total)) = (column("task_id"), column("1_count"), column("total_count")) else {
            return Err(wrong(path, "line 1: the columns task_id, 1_count and total_count are needed"));
        };
        let mut count = 0;
        for record in reader.records() {
            let record = record.map_err(|error| wrong_row(path, &error))?;
            let line = record.position().map_or(0, csv::Position::line);
            let number = |place: usize, name: &str| {
                let text = record[place].trim();
                let number = text.parse::<f64>().ok().filter(|number| *number >= 0.0);
                number.ok_or_else(|| wrong_cell(path, line, name, format!("`{text}` is no count")))
            };
            let (total, yes) = (number(total, "total_count")? as u64, number(yes, "1_count")? as u64);
            self.project.published.push(Published { task: unguarded(record[task].trim()).to_owned(), total, yes });
            count += 1;
        }
        Ok(count)
    }

    /// Tiles of the groups that nobody labelled: all have the zoom of those that somebody did.
    fn add_ranges(&mut self) -> Result<(), Error> {
        let mut zooms =
            self.project.tasks.list.iter().filter_map(|task| task.parse::<crate::domain::cell::Cell>().ok());
        let Some(first) = zooms.next().map(|cell| cell.z) else { return Ok(()) };
        if zooms.any(|cell| cell.z != first) {
            return Ok(());
        }
        for cell in self.sessions.cells(first)? {
            self.project.tasks.number(&cell.to_string());
        }
        Ok(())
    }

    /// The project, when all files are read.
    pub fn finish(mut self) -> Result<Project, Error> {
        if self.project.given.is_empty() {
            let of = self.wanted.map_or(String::new(), |id| format!(" of the project `{id}`"));
            return Err(Error::Conflict(format!("the files hold no answer{of}")));
        }
        self.project.sort();
        let places = self.project.tasks.list.iter().map(|task| self.outlines.place(task).map_err(Error::Conflict));
        self.project.places = places.collect::<Result<_, _>>()?;
        Ok(self.project)
    }
}
