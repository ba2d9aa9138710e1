"""What leaves the audit file for other programs: JSON documents, spreadsheets, FOCUS rows."""
