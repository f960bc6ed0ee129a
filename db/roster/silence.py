"""What a set has no column or file for stays on record as it was."""

#: What a set is silent on -> the statement that fills the staged rows with what is on record, so that it stays.
KEEP_WHAT_IS_ON_RECORD: dict[str, str] = {
    "school.phone": """
        UPDATE staged_school s SET phone = t.phone FROM school t
        WHERE t.source_id = s.source_id AND t.phone IS NOT NULL""",
    "person.middle": """
        UPDATE staged_person s SET middle = p.middle FROM person p
        WHERE p.source_id = s.source_id AND p.middle IS NOT NULL""",
    "person.suffix": """
        UPDATE staged_person s SET suffix = p.suffix FROM person p
        WHERE p.source_id = s.source_id AND p.suffix IS NOT NULL""",
    "person.preferred": """
        UPDATE staged_person s SET preferred = p.preferred FROM person p
        WHERE p.source_id = s.source_id AND p.preferred IS NOT NULL""",
    "person.email": """
        UPDATE staged_person s SET email = p.email, email_folded = p.email_folded FROM person p
        WHERE p.source_id = s.source_id AND p.email IS NOT NULL""",
    "student.birth_date": """
        UPDATE staged_student s SET birth_date = t.birth_date FROM student t JOIN person p USING (id)
        WHERE p.source_id = s.source_id""",
    "student.ssn": """
        UPDATE staged_student s
        SET ssn_state = t.ssn_state, ssn_proof = t.ssn_proof, ssn_proof_version = t.ssn_proof_version
        FROM student t JOIN person p USING (id)
        WHERE p.source_id = s.source_id""",
    "household.street": """
        UPDATE staged_household s SET street = h.street FROM household h WHERE h.source_id = s.source_id""",
    "household.city": """
        UPDATE staged_household s SET city = h.city FROM household h WHERE h.source_id = s.source_id""",
    "household.state": """
        UPDATE staged_household s SET state = h.state FROM household h WHERE h.source_id = s.source_id""",
    "household.postal_code": """
        UPDATE staged_household s SET postal_code = h.postal_code FROM household h WHERE h.source_id = s.source_id""",
    "household.phone": """
        UPDATE staged_household s SET phone = h.phone FROM household h WHERE h.source_id = s.source_id""",
}
