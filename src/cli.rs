//! The command line: what can be said, and who answers it.
//!
//! Promises: everything the settings screen does can be scripted; every flag is also an environment variable; no secret is
//! taken from an argument, because arguments are visible to every user of the machine and stay in the shell's history.
//! Must not: hold business rules; every command calls a use case of the desk.

#![allow(clippy::doc_markdown, reason = "what stands at a flag is its help, read in a terminal")]

mod accounts;
mod doctor;
mod env;
mod people;
mod quarantine;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{Place, Serving};
use crate::model::{QuarantineId, Role};
use crate::{app, http, telemetry};

pub use env::env_example;

/// A self-hosted webcare inbox: every channel in one queue, answered once
#[derive(Parser, Debug)]
#[command(name = "balie", version, arg_required_else_help = true, max_term_width = 110)]
pub struct Cli {
    #[command(flatten)]
    pub place: Place,
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Start the server
    Serve(Serving),
    /// People who sign in
    #[command(subcommand)]
    User(UserCommand),
    /// Accounts on channels
    #[command(subcommand)]
    Account(AccountCommand),
    /// What came in and could not be read
    #[command(subcommand)]
    Quarantine(QuarantineCommand),
    /// Bring the database up to this version
    Migrate,
    /// Print the description of the HTTP API (OpenAPI 3.1)
    Openapi,
    /// Check configuration, database, master key and every account; say what is wrong and what to do
    Doctor,
    /// Print a .env file with every setting
    #[command(hide = true)]
    Env,
    /// Play a channel's platform on this machine, for tests
    #[command(hide = true)]
    Fake {
        channel: String,
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: SocketAddr,
        /// Begin with what this file holds and write to it what happens, before anybody is answered
        #[arg(long, value_name = "FILE")]
        keep: Option<PathBuf>,
    },
}

/// `balie user …`
#[derive(Subcommand, Debug)]
pub enum UserCommand {
    /// Add somebody; the password is read from BALIE_PASSWORD, from a file or from standard input, or made and printed once
    Add {
        email: String,
        #[arg(long)]
        name: Option<String>,
        /// agent, supervisor, admin or auditor
        #[arg(long, default_value = "agent")]
        role: Role,
        /// Language of the screens: nl or en
        #[arg(long, default_value = "en", value_parser = ["nl", "en"])]
        locale: String,
        /// Put them in this team (made when there is none of that name); may be repeated
        #[arg(long = "team")]
        teams: Vec<String>,
        #[command(flatten)]
        password: PasswordSource,
    },
    /// Show everybody
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Set a password, sign out everywhere and revoke API tokens
    Password {
        email: String,
        #[command(flatten)]
        password: PasswordSource,
    },
}

/// Where a password comes from.
#[derive(clap::Args, Debug, Clone)]
pub struct PasswordSource {
    /// Read the password from this file
    #[arg(long, conflicts_with = "password_stdin")]
    pub password_file: Option<PathBuf>,
    /// Read the password from standard input
    #[arg(long)]
    pub password_stdin: bool,
}

/// `balie account …`
#[derive(Subcommand, Debug)]
pub enum AccountCommand {
    /// Connect an account and check that it works
    Add {
        /// The channel's key; `balie account add ?` names them all
        channel: String,
        /// A setting that is no secret; may be repeated
        #[arg(long = "set", value_name = "KEY=VALUE")]
        set: Vec<String>,
        /// A setting or secret from an environment variable
        #[arg(long = "set-env", value_name = "KEY=VARIABLE")]
        set_env: Vec<String>,
        /// A setting or secret from a file
        #[arg(long = "set-file", value_name = "KEY=PATH")]
        set_file: Vec<String>,
        /// A setting or secret from standard input
        #[arg(long = "set-stdin", value_name = "KEY")]
        set_stdin: Option<String>,
        /// How the desk calls it
        #[arg(long)]
        name: Option<String>,
        /// Only this team sees it; may be repeated
        #[arg(long = "team")]
        teams: Vec<String>,
    },
    /// Show every account and how it does
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Disconnect an account; its conversations stay
    Remove {
        /// Its id, or its name or handle when only one has it
        account: String,
    },
    /// Ask the platform whether the account works
    Probe { account: String },
}

/// `balie quarantine …`
#[derive(Subcommand, Debug)]
pub enum QuarantineCommand {
    /// Show what could not be read, and why
    List {
        /// Only of this account
        #[arg(long)]
        account: Option<String>,
        /// As JSON, with the whole payloads
        #[arg(long)]
        json: bool,
    },
    /// Try again, with the connector as it is now
    Replay {
        /// Which; all when none is named
        ids: Vec<QuarantineId>,
    },
}

/// Why a command did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub struct Failure {
    /// What happened.
    pub cause: String,
    /// What to do about it.
    pub cure: Option<String>,
}

impl Failure {
    pub fn new(cause: impl Into<String>) -> Self {
        Self { cause: cause.into(), cure: None }
    }

    #[must_use]
    pub fn cure(mut self, cure: impl Into<String>) -> Self {
        self.cure = Some(cure.into());
        self
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(error.to_string())
    }
}

/// Does what the command line says.
pub async fn run(cli: Cli) -> ExitCode {
    telemetry::start(cli.place.log_format, &cli.place.log);
    match answer(cli).await {
        Ok(code) => code,
        Err(failure) => {
            #[allow(clippy::print_stderr, reason = "this is what a command line answers with")]
            {
                eprintln!("balie: {}", failure.cause);
                if let Some(cure) = failure.cure {
                    eprintln!("  what to do: {cure}");
                }
            }
            ExitCode::FAILURE
        }
    }
}

async fn answer(cli: Cli) -> Result<ExitCode, Failure> {
    let place = cli.place;
    match cli.command {
        Command::Serve(serving) => app::serve(&place, &serving).await?,
        Command::User(command) => people::run(&place, command).await?,
        Command::Account(command) => accounts::run(&place, command).await?,
        Command::Quarantine(command) => quarantine::run(&place, command).await?,
        Command::Doctor => return doctor::run(&place).await,
        Command::Fake { channel, listen, keep } => app::fake(&channel, listen, keep).await?,
        Command::Migrate => {
            app::open_store(&place).await?;
            print("The database is at this version.");
        }
        Command::Openapi => print(&http::openapi::json()),
        Command::Env => print(&env_example()),
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints to standard output; a reader that went away (`| head`) is no error.
pub(crate) fn print(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout(), "{}", text.trim_end_matches('\n'));
}
