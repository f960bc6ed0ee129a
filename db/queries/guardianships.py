"""What the queries about guardianships have in common."""

#: Whether a restriction on guardianship `g` is in force on day `$2`. Uses restriction_in_force.
RESTRICTED = """EXISTS (
    SELECT 1 FROM restriction r
    WHERE r.guardianship_id = g.id AND r.lifted_at IS NULL
      AND r.begins_on <= $2 AND (r.ends_on IS NULL OR r.ends_on >= $2))"""
