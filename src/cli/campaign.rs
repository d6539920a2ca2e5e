//! `aftermap campaign`: create, open, pause, close, show and list.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Refused;
use super::campaign_apply::{self, ApplyArgs};
use crate::config::DataOptions;
use crate::domain::campaign::{Campaign, CampaignState, CampaignTexts, ReleaseLevel, Visibility};
use crate::domain::policy::Policy;
use crate::services::campaigns::change_state::{change_state, find};
use crate::services::campaigns::create_campaign::{NewCampaign, create_campaign};
use crate::services::campaigns::scale_file::read_scale;
use crate::services::oversight::statistics::progress;
use crate::services::refit::refit;
use crate::services::scenes::align_scene::alignment_warnings;
use crate::services::{Error, clock};
use crate::storage::{Conn, campaigns, scenes};

/// Create, describe, open, pause, close and show campaigns
#[derive(Debug, Subcommand)]
pub enum CampaignCommand {
    Create(Box<CreateArgs>),
    Apply(ApplyArgs),
    /// Open a campaign to volunteers: aftermap campaign open madre-fire
    Open(NamedArgs),
    /// Hand out no more tiles for now: aftermap campaign pause madre-fire
    Pause(NamedArgs),
    /// Finish a campaign: aftermap campaign close madre-fire
    Close(NamedArgs),
    /// Show a campaign's settings, scenes and progress: aftermap campaign show madre-fire
    Show(NamedArgs),
    /// List all campaigns, newest first: aftermap campaign list
    List(DataOptions),
}

/// Start a campaign as a draft
///
/// Example: aftermap campaign create madre-fire --title "Madre Fire 2025" --scale conflict3
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// Name in addresses: a-z, 0-9 and -
    slug: String,
    /// Title on the campaign list
    #[arg(long)]
    title: String,
    /// Damage classes: change2, conflict3, jds4 or unosat5
    #[arg(long, default_value = "conflict3")]
    scale: String,
    /// What the campaign is for
    #[arg(long, default_value = "")]
    purpose: String,
    /// How to answer: what the colours mean, what counts as damage
    #[arg(long, default_value = "")]
    instructions: String,
    /// What volunteers may see, told before the first tile
    #[arg(long, default_value = "")]
    care_notice: String,
    /// Where volunteers find help
    #[arg(long, default_value = "")]
    help_lines: String,
    /// Language of these texts
    #[arg(long, default_value = "en")]
    language: String,
    /// Licence of the damage map, e.g. CC-BY-4.0
    #[arg(long)]
    licence: Option<String>,
    /// Who may take part: public, invitation or private
    #[arg(long, default_value = "public")]
    visibility: Visibility,
    /// Who may have the damage map: public, coarsened (area cells, when released) or private
    #[arg(long, default_value = "public")]
    release_level: ReleaseLevel,
    /// The same number of labels for every tile, instead of few where the crowd is sure
    #[arg(long, value_name = "N", conflicts_with = "policy")]
    redundancy: Option<u32>,
    /// JSON file of policy settings; those it leaves out keep their defaults
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    data: DataOptions,
}

/// A campaign, and where the data is.
#[derive(Debug, Args)]
pub struct NamedArgs {
    /// Name of the campaign
    slug: String,
    #[command(flatten)]
    data: DataOptions,
}

/// Runs one of the verbs.
pub async fn run(command: CampaignCommand) -> Result<(), Refused> {
    match command {
        CampaignCommand::Create(args) => create(*args).await,
        CampaignCommand::Apply(args) => campaign_apply::run(args).await,
        CampaignCommand::Open(args) => set_state(args, CampaignState::Open).await,
        CampaignCommand::Pause(args) => set_state(args, CampaignState::Paused).await,
        CampaignCommand::Close(args) => set_state(args, CampaignState::Closed).await,
        CampaignCommand::Show(args) => show(args).await,
        CampaignCommand::List(data) => list(data).await,
    }
}

async fn create(args: CreateArgs) -> Result<(), Refused> {
    let policy = match (&args.policy, args.redundancy) {
        (Some(path), _) => read_policy(path)?,
        (None, Some(redundancy)) => Policy::fixed(redundancy),
        (None, None) => Policy::default(),
    };
    let new = NewCampaign {
        slug: args.slug,
        texts: CampaignTexts {
            title: args.title,
            purpose: args.purpose,
            instructions: args.instructions,
            care_notice: args.care_notice,
            help_lines: args.help_lines,
            ..CampaignTexts::default()
        },
        language: args.language,
        scale: read_scale(&args.scale.into())?,
        policy,
        visibility: args.visibility,
        release_level: args.release_level,
        licence: args.licence,
        synthetic: false,
    };
    let store = args.data.open()?;
    let campaign = store.write(move |conn| create_campaign(conn, &new, None, clock::now_ms())).await?;
    println!(
        "campaign {} is a draft; add two scenes with `aftermap ingest --campaign {} …`",
        campaign.slug, campaign.slug
    );
    if campaign.licence.is_none() {
        println!("warning: no licence; people who download the map will not know what they may do with it");
    }
    Ok(())
}

fn read_policy(path: &PathBuf) -> Result<Policy, Refused> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{} is no policy: {error}", path.display()).into())
}

async fn set_state(args: NamedArgs, next: CampaignState) -> Result<(), Refused> {
    let store = args.data.open()?;
    let change = move |conn: &mut Conn| change_state(conn, &args.slug, next, None, clock::now_ms());
    let campaign = store.write(change).await?;
    println!("campaign {} is {}", campaign.slug, campaign.state);
    if campaign.state == CampaignState::Closed && refit(&store, &campaign, true).await?.is_some() {
        println!("all labels were weighed once more, now that they are complete");
    }
    Ok(())
}

async fn show(args: NamedArgs) -> Result<(), Refused> {
    let store = args.data.open()?;
    let read = move |conn: &mut Conn| {
        let campaign = find(conn, &args.slug)?;
        let scenes = scenes::of_campaign(conn, campaign.id)?;
        let progress = progress(conn, &campaign, true, clock::now_ms())?;
        let warnings = alignment_warnings(conn, campaign.id)?;
        Ok::<_, Error>((campaign, scenes, progress, warnings))
    };
    let (campaign, scenes, progress, warnings) = store.read(read).await?;
    print_settings(&campaign);
    println!("tiles    {} of {} closed, {} of them contested", progress.closed, progress.tiles, progress.contested);
    for scene in scenes {
        let zooms = format!("zoom {} to {}", scene.min_zoom, scene.max_zoom);
        println!("scene    {}  {}  {zooms}  {}  {:.2} m", scene.id, scene.title, scene.crs, scene.pixel_size_m);
    }
    for warning in warnings {
        println!("warning  {warning}");
    }
    Ok(())
}

fn print_settings(campaign: &Campaign) {
    let classes: Vec<&str> = campaign.scale.answers.iter().map(|answer| answer.key.as_str()).collect();
    println!("campaign {} ({})", campaign.slug, campaign.texts.title);
    println!("state    {}", campaign.state);
    println!("kind     {} of {}", campaign.kind, campaign.tile_source);
    println!("scale    {}: {}", campaign.scale.key, classes.join(", "));
    println!("people   {}, map {}", campaign.visibility, campaign.release_level);
    println!("model    {}", campaign.model);
}

async fn list(data: DataOptions) -> Result<(), Refused> {
    let store = data.open()?;
    for campaign in store.read(|conn| Ok::<_, Error>(campaigns::list(conn)?)).await? {
        println!("{:<24} {:<9} {}", campaign.slug, campaign.state.key(), campaign.texts.title);
    }
    Ok(())
}
