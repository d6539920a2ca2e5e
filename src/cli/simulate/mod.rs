//! `aftermap simulate`: seeded volunteers that label a campaign over HTTP, each a guest of its own.
//!
//! What a volunteer answers for a tile follows from the seed alone, whoever is served first; who is served what is the
//! server's business.

mod client;
mod summary;
mod truth;
mod volunteer;
mod worker;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::Refused;
use client::{Campaign, Client};
pub use summary::{Acknowledged, Summary};
use truth::Truth;
pub use volunteer::Crowd;
use worker::{Shared, Worker};

/// Let simulated volunteers label a campaign over HTTP
///
/// Example: aftermap simulate --url http://127.0.0.1:8080 --campaign demo --volunteers 30 --seed 1
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// Address of the server
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub url: String,
    /// Name of the campaign
    #[arg(long, value_name = "SLUG")]
    pub campaign: String,
    /// How many volunteers label at the same time
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub volunteers: u32,
    /// Seed of the volunteers' skills and answers
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// The right answers, as CSV with the columns tile_id and label; without it each tile gets one from the seed, and
    /// where the campaign has check gold, which then says something else, hardly a tile settles
    #[arg(long, value_name = "FILE")]
    pub truth: Option<PathBuf>,
    /// Who they are
    #[arg(long, value_enum, default_value_t = Crowd::Mixed)]
    pub skill: Crowd,
    /// Give up after so many seconds without progress
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub patience: u64,
    /// Share of the volunteers who walk away with tiles in their hands and never come back
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub gone: f64,
    /// How many of the volunteers are a ring: they share one wrong answer on a third of the tiles
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub ring: u32,
}

/// What a simulation needs to know.
#[derive(Debug, Clone)]
pub struct SimulateOptions {
    /// Address of the server, e.g. `http://127.0.0.1:8080`.
    pub url: String,
    /// Name of the campaign.
    pub campaign: String,
    /// How many volunteers label at the same time.
    pub volunteers: u32,
    /// Seed of skills and answers.
    pub seed: u64,
    /// Right answers by public tile id; a tile that is missing gets one from the seed.
    pub truth: HashMap<String, String>,
    /// Who the volunteers are.
    pub crowd: Crowd,
    /// How long to go on without progress.
    pub patience: Duration,
    /// Share of the volunteers, 0 to 1, who walk away with tiles in their hands and never come back.
    pub gone: f64,
    /// How many of the volunteers, the last ones, share one wrong answer on a third of the tiles.
    pub ring: u32,
}

/// Why a simulation could not be run, in one sentence for the person who started it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SimulateError(pub String);

/// Labels a campaign and prints what came of it.
pub async fn run(args: SimulateArgs) -> Result<(), Refused> {
    let truth = args.truth.as_deref().map(truth::read).transpose()?.unwrap_or_default();
    if !(0.0..=1.0).contains(&args.gone) {
        return Err(format!("--gone {} is no share between 0 and 1", args.gone).into());
    }
    if args.ring > args.volunteers {
        return Err(format!("--ring {} is more than the {} volunteers", args.ring, args.volunteers).into());
    }
    let options = SimulateOptions {
        url: args.url,
        campaign: args.campaign,
        volunteers: args.volunteers,
        seed: args.seed,
        truth,
        crowd: args.skill,
        patience: Duration::from_secs(args.patience),
        gone: args.gone,
        ring: args.ring,
    };
    println!("{}", simulate(options).await?);
    Ok(())
}

/// Lets the volunteers label until no tile is open, or nothing has moved for as long as they have patience.
///
/// Fails where the server cannot be reached, the campaign is unknown or not open, or the truth is not on its scale.
pub async fn simulate(options: SimulateOptions) -> Result<Summary, SimulateError> {
    let client = Client::new(&options.url)?;
    let campaign = client.campaign(&options.campaign).await?;
    if campaign.state != "open" {
        let reason = format!("campaign `{}` is {}: only an open one can be labelled", options.campaign, campaign.state);
        return Err(SimulateError(reason));
    }
    let truth = Truth::new(options.seed, &campaign, &options.truth)?;
    let shared = Arc::new(Shared::new(client, options, campaign, truth));
    let workers: Vec<_> =
        (0..shared.options.volunteers).map(|number| tokio::spawn(Worker::new(number, shared.clone()).run())).collect();
    let progress = shared.watch().await;
    let mut summary = Summary::begin(&shared, progress);
    for worker in workers {
        summary.add(worker.await.map_err(|error| SimulateError(format!("a simulated volunteer failed: {error}")))?);
    }
    summary.finish();
    match summary.failed.first() {
        Some(first) if summary.acknowledged.is_empty() => Err(first.clone()),
        _ => Ok(summary),
    }
}
