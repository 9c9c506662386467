//! What is particular to mail.
