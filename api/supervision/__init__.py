"""What supervisors do with calls and operators: listen, whisper, barge, take over; pause and sign out."""
