//! A connection of lines: what IMAP and SMTP have in common.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, ReadHalf, WriteHalf};

use crate::channels::fake::Cuttable;

/// The two halves of a connection.
pub(super) struct Line {
    pub reader: BufReader<ReadHalf<Cuttable>>,
    pub writer: WriteHalf<Cuttable>,
    /// The beginning of a line whose end has not come.
    heard: Vec<u8>,
}

impl Line {
    pub(super) fn new(stream: Cuttable) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        Self { reader: BufReader::new(reader), writer, heard: Vec::new() }
    }

    /// Says one line.
    pub(super) async fn say(&mut self, line: &str) -> io::Result<()> {
        self.writer.write_all(format!("{line}\r\n").as_bytes()).await?;
        self.writer.flush().await
    }

    /// Hears one line, without its end; `None` when nobody speaks any more or the line is longer than `max`.
    /// May be dropped and asked again: what was heard of a line is not lost.
    pub(super) async fn hear(&mut self, max: usize) -> Option<Vec<u8>> {
        loop {
            let some = self.reader.fill_buf().await.ok()?;
            if some.is_empty() {
                return None;
            }
            let end = some.iter().position(|b| *b == b'\n');
            let taken = end.map_or(some.len(), |end| end + 1);
            self.heard.extend_from_slice(&some[..taken]);
            self.reader.consume(taken);
            if end.is_some() {
                let mut line = std::mem::take(&mut self.heard);
                while line.last().is_some_and(|b| matches!(b, b'\r' | b'\n')) {
                    line.pop();
                }
                return Some(line);
            }
            if self.heard.len() > max {
                return None;
            }
        }
    }
}
