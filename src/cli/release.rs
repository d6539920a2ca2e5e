//! `aftermap release`: freezing a campaign's map, and whether what was released is still intact.

use std::path::Path;

use clap::Args;

use super::Refused;
use crate::config::DataOptions;
use crate::domain::release::Release;
use crate::services::Error;
use crate::services::campaigns::change_state::find;
use crate::services::clock::now_ms;
use crate::services::maps::release::{NewRelease, check, outlook, release};
use crate::storage::maps::releases;

/// Freeze a campaign's map as its next version: files, checksums, citation, changes
///
/// Example: aftermap release --campaign madre-fire --author "Amnesty International" --notes "First complete map"
#[derive(Debug, Args)]
pub struct ReleaseArgs {
    /// Name of the campaign
    #[arg(long, value_name = "SLUG")]
    campaign: String,
    /// Words about the release
    #[arg(long, value_name = "TEXT", default_value = "")]
    notes: String,
    /// Who is named as author, once for each; those of the release before if nobody is given,
    /// of a first one its volunteers
    #[arg(long = "author", value_name = "NAME")]
    authors: Vec<String>,
    /// The version that it must become: the same command twice makes one release
    #[arg(long, value_name = "N")]
    version: Option<u32>,
    /// Make nothing; list all releases
    #[arg(long, conflicts_with_all = ["notes", "authors", "version", "check"])]
    list: bool,
    /// Make nothing; read the files of all releases again and compare them with their checksums
    #[arg(long, conflicts_with_all = ["notes", "authors", "version"])]
    check: bool,
    /// Address by which browsers reach the server, for the citation
    #[arg(long, env = "AFTERMAP_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,
    #[command(flatten)]
    data: DataOptions,
}

/// Runs the verb.
pub async fn run(args: ReleaseArgs) -> Result<(), Refused> {
    let store = args.data.open()?;
    let home = args.data.releases_dir();
    let (campaign, all) = store.read_snapshot(|conn| {
        let campaign = find(conn, &args.campaign)?;
        let all = releases::of_campaign(conn, campaign.id)?;
        Ok::<_, Error>((campaign, all))
    })?;
    if args.list {
        print_list(&all);
        return Ok(());
    }
    if args.check {
        return compare(&home, &all);
    }
    let mut authors = args.authors;
    if authors.is_empty() && all.is_empty() {
        authors.push(format!("Volunteers of {}", campaign.texts.title));
    }
    let new = NewRelease {
        notes: args.notes,
        authors,
        version: args.version,
        incomplete: true,
        public_url: args.public_url.map(|url| url.trim_end_matches('/').to_owned()),
    };
    let missing = store.read_snapshot(|conn| outlook(conn, &campaign, now_ms()))?.not_yet_shown;
    let made = release(&store, &home, campaign.id, new, None).await?;
    print_made(&made, &campaign.slug, &home);
    warn(missing, campaign.licence.is_some());
    Ok(())
}

fn print_list(all: &[Release]) {
    for one in all.iter().rev() {
        println!("version {}  {}  {}  {} files", one.version, one.manifest.as_of, one.level, one.manifest.files.len());
    }
}

/// Whether all files of the releases are what was released; says which are not.
fn compare(home: &Path, all: &[Release]) -> Result<(), Refused> {
    let damaged = check::check(home, all);
    for one in &damaged {
        println!("version {}: {} {}", one.version, one.file, one.reason);
    }
    let files: usize = all.iter().map(|one| one.manifest.files.len()).sum();
    match damaged.len() {
        0 => {
            println!("{files} files of {} releases are what was released", all.len());
            Ok(())
        }
        many => Err(format!("{many} of {files} files are not what was released: restore them from a backup").into()),
    }
}

fn print_made(made: &Release, slug: &str, home: &Path) {
    println!(
        "version {} of campaign {slug}: {} files in {}",
        made.version,
        made.manifest.files.len(),
        home.join(made.id.to_string()).display()
    );
    println!("{}", made.citation.text());
}

/// What the maker should know of a release that is made all the same.
fn warn(not_yet_shown: u64, has_licence: bool) {
    if not_yet_shown > 0 {
        eprintln!(
            "warning: {not_yet_shown} tiles closed less than ten minutes ago and read as open in what everybody gets; make \
             another release when they are older"
        );
    }
    if !has_licence {
        eprintln!("warning: the campaign has no licence, so nobody knows what they may do with this release");
    }
}
