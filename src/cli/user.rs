//! `aftermap user`: accounts and their roles, for the operator.

use std::io::BufRead;

use clap::{Args, Subcommand};

use super::user_token::{self, TokenCommand};
use crate::config::DataOptions;
use crate::domain::volunteer::{Role, check_name, check_password};
use crate::services::people::accounts::{self, Secrets};
use crate::services::people::grant_role::{self, Grant};
use crate::services::people::{passwords, reset_password, second_factor, secrets, sessions};
use crate::services::{Error, clock};
use crate::storage::people::{roles, second_factors, volunteers};
use crate::storage::{Conn, Store, new_id};

/// What to do with accounts.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Make an account and print its recovery code
    ///
    /// Example: aftermap user create --name layla --role coordinator --campaign raqqa-2018
    Create(CreateArgs),
    /// Give an account a role
    ///
    /// Example: aftermap user grant --name layla --role reviewer --campaign raqqa-2018
    Grant(GrantArgs),
    /// List all accounts with their roles; guests are left out
    ///
    /// Example: aftermap user list
    List(ListArgs),
    /// Take an account out of use; whoever is signed in with it no longer is
    ///
    /// Example: aftermap user disable --name layla
    Disable(DisableArgs),
    /// Make a recovery code for somebody who lost the password; it works once, and whoever is signed in no longer is
    ///
    /// Example: aftermap user recover --name layla
    Recover(DisableArgs),
    /// Remove the second factor of somebody who lost the device; whoever is signed in no longer is
    ///
    /// Example: aftermap user remove-second-factor --name layla
    RemoveSecondFactor(DisableArgs),
    /// Sign out everybody, or all browsers of one account; tokens for scripts stay
    ///
    /// Example: aftermap user sign-out --all
    SignOut(SignOutArgs),
    /// Tokens for scripts: make, list, revoke
    #[command(subcommand)]
    Token(TokenCommand),
}

/// Arguments of `aftermap user create`.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// Where everything is kept.
    #[command(flatten)]
    pub place: DataOptions,
    /// Who, and what they may do.
    #[command(flatten)]
    pub grant: GrantWords,
    /// Read the password from the first line of standard input instead of making one up
    #[arg(long)]
    pub password_stdin: bool,
    /// The password; better than an argument, which other users of the machine can see
    #[arg(long, env = "AFTERMAP_PASSWORD", hide = true, hide_env_values = true)]
    pub password: Option<String>,
}

/// Arguments of `aftermap user grant`.
#[derive(Debug, Args)]
pub struct GrantArgs {
    /// Where everything is kept.
    #[command(flatten)]
    pub place: DataOptions,
    /// Who, and what they may do.
    #[command(flatten)]
    pub grant: GrantWords,
}

/// Arguments of `aftermap user list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Where everything is kept.
    #[command(flatten)]
    pub place: DataOptions,
}

/// Arguments of `aftermap user disable`, `aftermap user recover` and `aftermap user remove-second-factor`.
#[derive(Debug, Args)]
pub struct DisableArgs {
    /// Where everything is kept.
    #[command(flatten)]
    pub place: DataOptions,
    /// Name of the account
    #[arg(long)]
    pub name: String,
}

/// Arguments of `aftermap user sign-out`.
#[derive(Debug, Args)]
#[group(id = "whom", required = true, multiple = false, args = ["name", "all"])]
pub struct SignOutArgs {
    /// Where everything is kept.
    #[command(flatten)]
    pub place: DataOptions,
    /// Name of the account
    #[arg(long)]
    pub name: Option<String>,
    /// Everybody, guests too, who then start anew: for a signing key that leaked
    #[arg(long)]
    pub all: bool,
}

/// A name and a role.
#[derive(Debug, Clone, Args)]
pub struct GrantWords {
    /// Name of the account
    #[arg(long)]
    pub name: String,
    /// admin, creator (may make campaigns), coordinator, researcher, reviewer or volunteer
    #[arg(long, default_value = "volunteer")]
    pub role: String,
    /// The campaign in which the role holds; admins and creators need none
    #[arg(long, value_name = "SLUG")]
    pub campaign: Option<String>,
}

impl GrantWords {
    /// The grant that the words ask for; `None`: just a volunteer, who needs none.
    fn grant(&self) -> Result<Option<Grant>, Error> {
        let everywhere = match self.role.as_str() {
            "admin" => Some(Grant::Admin),
            "creator" => Some(Grant::Creator),
            _ => None,
        };
        if let Some(grant) = everywhere {
            let reason = || format!("the role {} holds on the whole server: leave --campaign out", self.role);
            return match self.campaign {
                None => Ok(Some(grant)),
                Some(_) => Err(Error::invalid("campaign", reason())),
            };
        }
        let role = Role::from_key(&self.role).ok_or_else(|| {
            let words = "admin, creator, coordinator, researcher, reviewer, volunteer";
            Error::invalid("role", format!("`{}` is no role: use one of {words}", self.role))
        })?;
        match &self.campaign {
            Some(campaign) => Ok(Some(Grant::InCampaign { campaign: campaign.clone(), role })),
            None if role == Role::Volunteer => Ok(None),
            None => Err(Error::invalid("campaign", format!("say with --campaign where the {role} works"))),
        }
    }
}

/// Does what the command says and prints the outcome.
pub async fn run(command: UserCommand) -> Result<(), Error> {
    match command {
        UserCommand::Create(args) => create(args).await,
        UserCommand::Grant(args) => grant(args).await,
        UserCommand::List(args) => list(args).await,
        UserCommand::Disable(args) => disable(args).await,
        UserCommand::Recover(args) => recover(args).await,
        UserCommand::RemoveSecondFactor(args) => remove_second_factor(args).await,
        UserCommand::SignOut(args) => sign_out(args).await,
        UserCommand::Token(command) => user_token::run(command).await,
    }
}

async fn create(args: CreateArgs) -> Result<(), Error> {
    let (name, grant) = (args.grant.name.clone(), args.grant.grant()?);
    check_name(&name)?;
    let (password, made_up) = password(&args)?;
    check_password(&name, &password)?;
    let made = add(&args.place.open()?, name.clone(), &password, grant).await?;
    println!("account {name} made");
    if made_up {
        println!("password: {password}");
    }
    println!("recovery code: {}", made.recovery_code);
    println!("Keep the recovery code: it is not shown again.");
    Ok(())
}

/// Makes an account with a role, in one transaction, and returns its recovery code with it. For `user create` and the
/// demo.
pub async fn add(store: &Store, name: String, password: &str, grant: Option<Grant>) -> Result<Secrets, Error> {
    let secrets = Secrets::new(passwords::hash(password)?);
    let (stored, id) = (secrets.clone(), new_id());
    store
        .write(move |conn| {
            let now = clock::now_ms();
            accounts::add(conn, id, false, &name, &stored, now)?;
            grant.as_ref().map(|grant| grant_role::grant(conn, None, &name, grant, now)).transpose()?;
            Ok::<_, Error>(())
        })
        .await?;
    Ok(secrets)
}

/// The password, and whether it was made up here.
fn password(args: &CreateArgs) -> Result<(String, bool), Error> {
    if args.password_stdin {
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line);
        read.map_err(|error| Error::Internal(format!("cannot read the password: {error}")))?;
        return Ok((line.trim_end_matches(['\r', '\n']).to_owned(), false));
    }
    match &args.password {
        Some(password) => Ok((password.clone(), false)),
        None => Ok((secrets::recovery_code(), true)),
    }
}

async fn grant(args: GrantArgs) -> Result<(), Error> {
    let name = args.grant.name.clone();
    let grant =
        args.grant.grant()?.ok_or_else(|| Error::invalid("campaign", "say with --campaign where the role holds"))?;
    let (account, role) = (name.clone(), args.grant.role.clone());
    let store = args.place.open()?;
    store.write(move |conn| grant_role::grant(conn, None, &account, &grant, clock::now_ms())).await?;
    println!("{name} is {role}{}", args.grant.campaign.map(|slug| format!(" of {slug}")).unwrap_or_default());
    Ok(())
}

async fn list(args: ListArgs) -> Result<(), Error> {
    let store = args.place.open()?;
    let accounts = store.read(|conn| {
        let mut lines = Vec::new();
        for account in volunteers::accounts(conn)? {
            let mut words: Vec<String> = roles::of_volunteer(conn, account.id)?
                .into_iter()
                .map(|(slug, role)| format!("{role}:{slug}"))
                .collect();
            words.extend(account.admin.then(|| "admin".to_owned()));
            words.extend(account.creator.then(|| "creator".to_owned()));
            words.extend(second_factors::confirmed_at(conn, account.id)?.map(|_| "second_factor".to_owned()));
            words.extend(account.closed.then(|| "disabled".to_owned()));
            lines.push(format!("{}\t{}", account.name.unwrap_or_default(), words.join(" ")));
        }
        Ok::<_, Error>(lines)
    });
    accounts.await?.iter().for_each(|line| println!("{line}"));
    Ok(())
}

async fn recover(args: DisableArgs) -> Result<(), Error> {
    let (store, name, code) = (args.place.open()?, args.name.clone(), secrets::recovery_code());
    let stored = code.clone();
    let reset = move |conn: &mut Conn| reset_password::reset(conn, None, &name, &stored, clock::now_ms());
    let reset = store.write(reset).await?;
    println!("recovery code of {}: {code}", reset.name);
    println!("It works once, within a week, on the page for a lost password. The old password no longer works.");
    Ok(())
}

async fn remove_second_factor(args: DisableArgs) -> Result<(), Error> {
    let (store, name) = (args.place.open()?, args.name.clone());
    store.write(move |conn| second_factor::remove_of(conn, None, &name, clock::now_ms())).await?;
    println!("{} has no second factor now, and is signed out everywhere", args.name);
    Ok(())
}

async fn disable(args: DisableArgs) -> Result<(), Error> {
    let (store, name) = (args.place.open()?, args.name.clone());
    store.write(move |conn| grant_role::disable(conn, None, &name, clock::now_ms())).await?;
    println!("{} is disabled", args.name);
    Ok(())
}

async fn sign_out(args: SignOutArgs) -> Result<(), Error> {
    let (store, name) = (args.place.open()?, args.name.clone());
    let Some(shown) = args.name else {
        let ended = store.write(|conn| sessions::end_all(conn, clock::now_ms())).await?;
        println!("{ended} sessions ended: whoever has an account signs in again");
        return Ok(());
    };
    store.write(move |conn| sessions::end_of(conn, name.as_deref().unwrap_or_default(), clock::now_ms())).await?;
    println!("{shown} is signed out everywhere");
    Ok(())
}
