//! `aftermap user token`: personal tokens for scripts, for the operator.

use clap::{Args, Subcommand};

use crate::config::DataOptions;
use crate::domain::token::{Scope, TokenRequest};
use crate::domain::volunteer::check_name;
use crate::services::clock::rfc3339;
use crate::services::people::tokens;
use crate::services::{Error, clock};
use crate::storage::Conn;
use crate::storage::people::volunteers;

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token for scripts and print it; it is not shown again
    ///
    /// Example: aftermap user token create --name layla --for "QGIS at work" --scopes read --days 30
    Create(CreateArgs),
    /// List the tokens of an account, without their secrets
    ///
    /// Example: aftermap user token list --name layla
    List(ListArgs),
    /// Revoke a token; it stops working at once
    ///
    /// Example: aftermap user token revoke --name layla --id 1234567890
    Revoke(RevokeArgs),
}

/// Whose tokens.
#[derive(Debug, Args)]
pub struct Owner {
    /// Where everything is kept.
    #[command(flatten)]
    pub place: DataOptions,
    /// Name of the account
    #[arg(long)]
    pub name: String,
}

/// Arguments of `aftermap user token create`.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// Whose token it is.
    #[command(flatten)]
    pub owner: Owner,
    /// What the token is for, in your own words
    #[arg(long = "for", value_name = "WORDS")]
    pub purpose: String,
    /// What it may be used for: read (see and download), label, manage (open, pause and close campaigns)
    #[arg(long, value_delimiter = ',', default_value = "read")]
    pub scopes: Vec<Scope>,
    /// Days until it stops working, 1 to 366 [default: 90]
    #[arg(long)]
    pub days: Option<u32>,
}

/// Arguments of `aftermap user token list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Whose tokens.
    #[command(flatten)]
    pub owner: Owner,
}

/// Arguments of `aftermap user token revoke`.
#[derive(Debug, Args)]
pub struct RevokeArgs {
    /// Whose token it is.
    #[command(flatten)]
    pub owner: Owner,
    /// The token's id, as `list` prints it
    #[arg(long)]
    pub id: i64,
}

/// Does what the command says and prints the outcome.
pub async fn run(command: TokenCommand) -> Result<(), Error> {
    match command {
        TokenCommand::Create(args) => create(args).await,
        TokenCommand::List(args) => list(args).await,
        TokenCommand::Revoke(args) => revoke(args).await,
    }
}

async fn create(args: CreateArgs) -> Result<(), Error> {
    let request = TokenRequest::new(&args.purpose, &args.scopes, args.days)?;
    let (store, name, secret) = (args.owner.place.open()?, args.owner.name, tokens::new_secret());
    let stored = secret.clone();
    let made = store.write(move |conn| {
        let owner = account(conn, &name)?;
        tokens::make(conn, None, owner, &request, &stored, clock::now_ms())
    });
    let made = made.await?;
    println!("{secret}");
    eprintln!("Good until {}. Keep it: it is not shown again.", rfc3339(made.expires_at));
    Ok(())
}

async fn list(args: ListArgs) -> Result<(), Error> {
    let (store, name) = (args.owner.place.open()?, args.owner.name);
    let tokens = store.read(move |conn| {
        let owner = account(conn, &name)?;
        tokens::list(conn, owner)
    });
    for token in tokens.await? {
        let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.key()).collect();
        println!("{}\t{}\t{}\t{}", token.id, rfc3339(token.expires_at), scopes.join(","), token.name);
    }
    Ok(())
}

async fn revoke(args: RevokeArgs) -> Result<(), Error> {
    let (store, name, id) = (args.owner.place.open()?, args.owner.name, args.id);
    let revoked = store.write(move |conn| {
        let owner = account(conn, &name)?;
        tokens::revoke(conn, None, owner, id, clock::now_ms())
    });
    revoked.await?;
    println!("token {id} is revoked");
    Ok(())
}

fn account(conn: &mut Conn, name: &str) -> Result<i64, Error> {
    let account = volunteers::by_name(conn, &check_name(name)?)?;
    account.map(|account| account.id).ok_or_else(|| Error::NotFound(format!("there is no account `{name}`")))
}
