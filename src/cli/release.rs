//! `aftermap release`: freezing a campaign's map, and whether what was released is still intact.

use clap::Args;

use super::Refused;
use crate::config::DataOptions;
use crate::services::Error;
use crate::services::campaigns::change_state::find;
use crate::services::clock::now_ms;
use crate::services::maps::release::{NewRelease, check, outlook, release};
use crate::storage::releases;

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
        for one in all.iter().rev() {
            println!(
                "version {}  {}  {}  {} files",
                one.version,
                one.manifest.as_of,
                one.level,
                one.manifest.files.len()
            );
        }
        return Ok(());
    }
    if args.check {
        let damaged = check::check(&home, &all);
        for one in &damaged {
            println!("version {}: {} {}", one.version, one.file, one.reason);
        }
        let files: usize = all.iter().map(|one| one.manifest.files.len()).sum();
        return match damaged.len() {
            0 => {
                println!("{files} files of {} releases are what was released", all.len());
                Ok(())
            }
            many => {
                Err(format!("{many} of {files} files are not what was released: restore them from a backup").into())
            }
        };
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
    println!(
        "version {} of campaign {}: {} files in {}",
        made.version,
        campaign.slug,
        made.manifest.files.len(),
        home.join(made.id.to_string()).display()
    );
    println!("{}", made.citation.text());
    if missing > 0 {
        eprintln!(
            "warning: {missing} tiles closed less than ten minutes ago and read as open in what everybody gets; make another \
             release when they are older"
        );
    }
    if campaign.licence.is_none() {
        eprintln!("warning: the campaign has no licence, so nobody knows what they may do with this release");
    }
    Ok(())
}
