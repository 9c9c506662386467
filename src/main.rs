//! The program: reads the command line, runs it, says how it ended.

use std::process::ExitCode;

use balie::cli::{self, Cli};
use clap::Parser as _;

fn main() -> ExitCode {
    let line = Cli::parse();
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(cli::run(line)),
        Err(error) => {
            eprintln!("balie: the machine gives no threads: {error}");
            ExitCode::FAILURE
        }
    }
}
