"""Names of ATT&CK's techniques, as far as rules over such a log tag them: a table of our own, since
pySigma would fetch its own from the network.

From MITRE ATT&CK for Enterprise (attack.mitre.org), version 17, and the ids that SigmaHQ tags since
2026 for what became of T1562, impaired defenses.
"""

from __future__ import annotations

TECHNIQUES: dict[str, str] = {
    "T1021": "Remote Services",
    "T1021.004": "Remote Services: SSH",
    "T1048": "Exfiltration Over Alternative Protocol",
    "T1059": "Command and Scripting Interpreter",
    "T1059.004": "Command and Scripting Interpreter: Unix Shell",
    "T1070": "Indicator Removal",
    "T1078": "Valid Accounts",
    "T1078.004": "Valid Accounts: Cloud Accounts",
    "T1098": "Account Manipulation",
    "T1098.001": "Account Manipulation: Additional Cloud Credentials",
    "T1098.003": "Account Manipulation: Additional Cloud Roles",
    "T1105": "Ingress Tool Transfer",
    "T1110": "Brute Force",
    "T1136": "Create Account",
    "T1136.003": "Create Account: Cloud Account",
    "T1195": "Supply Chain Compromise",
    "T1199": "Trusted Relationship",
    "T1485": "Data Destruction",
    "T1496": "Resource Hijacking",
    "T1525": "Implant Internal Image",
    "T1530": "Data from Cloud Storage",
    "T1550.001": "Use Alternate Authentication Material: Application Access Token",
    "T1552": "Unsecured Credentials",
    "T1552.001": "Unsecured Credentials: Credentials In Files",
    "T1552.005": "Unsecured Credentials: Cloud Instance Metadata API",
    "T1552.007": "Unsecured Credentials: Container API",
    "T1556": "Modify Authentication Process",
    "T1562": "Impair Defenses",
    "T1562.007": "Impair Defenses: Disable or Modify Cloud Firewall",
    "T1562.008": "Impair Defenses: Disable or Modify Cloud Logs",
    "T1567": "Exfiltration Over Web Service",
    "T1578": "Modify Cloud Compute Infrastructure",
    "T1613": "Container and Resource Discovery",
    "T1685": "Impair Defenses",
    "T1685.002": "Impair Defenses: Disable or Modify Cloud Logs",
}


def name_of(technique: str) -> str | None:
    """What a technique is called; `None` for one that is not in the table."""
    return TECHNIQUES.get(technique)
