/** The files of a new workspace. What they say must pass `ferry validate`. */
export const samples: Readonly<Record<string, string>> = {
  "ferry.yaml": `# yaml-language-server: $schema=.ferry/schemas/settings.json
# Settings of the agent. Every one has a default; the lines below show them.

# timezone: Europe/London     # of jobs that name none; by default the machine's
# policy: strict              # makes the security warnings of \`ferry validate\` errors
# env: [ERP_HOME]             # environment variables that templates may read: {{ env.ERP_HOME }}
concurrency: 8                # runs at once
log:
  level: info                 # debug | info | warn | error
  keep: 30d
`,
  "connections.yaml": `# yaml-language-server: $schema=.ferry/schemas/connections.json
# How to reach each server. Try one with: ferry connection test bank
connections:
  bank:
    description: Nightly extracts to the bank
    address: ftp.bank.example
    username: acme
    # The password is the secret of the connection's name. Store it with: ferry secret set bank
    directory: /incoming
    encryption:
      protocol: tls           # the default: nothing is ever sent in clear
      mode: explicit          # explicit (port 21) | implicit (port 990)
    certificates:
      server: verify          # an authority that this machine trusts; else: ferry connection trust bank
    # passivePorts: 53000-54999   # the range that the server's owner named

  # A short form: ftp:// ftpes:// ftps:// sftp://, user, host, port, directory
  # partner: sftp://acme@sftp.partner.example/out
`,
  "jobs/nightly-extract.yaml": `# yaml-language-server: $schema=../.ferry/schemas/job.json
# Every night: packs the day's extracts and sends them to the bank.
# When it runs next: ferry job next nightly-extract        Now: ferry job run nightly-extract
description: Ledger extracts to the bank, every night
# timezone: Europe/London     # by default the agent's
triggers:
  - cron: '30 2 * * *'        # minute, hour, day of month, month, day of week
timeout: 1h
vars:
  day: '{{ now | date: "%Y%m%d" }}'
tasks:
  - id: pack
    compress: { from: 'extracts/*.csv', format: gzip }
  - id: push
    upload:
      connection: bank
      from: '{{ tasks.pack.files }}'
      name: '{{ file.stem }}_{{ vars.day }}{{ file.ext }}'     # ledger_20261119.csv.gz
      ifExists: fail          # fail | overwrite | skip | newer | rename
      after: { move: 'sent/{{ vars.day }}/' }                  # of what was made here, the originals are moved
`,
  "jobs/outbox.yaml": `# yaml-language-server: $schema=../.ferry/schemas/job.json
# The simplest useful job: whatever is put into the folder outbox is sent, each version of a file once.
description: Whatever is put into outbox goes to the bank
triggers:
  - watch: outbox
tasks:
  - upload: { connection: bank }      # from: by default the files that fired the run
`,
};

/** Folders that the samples speak of. */
export const sampleFolders = ["outbox", "extracts"] as const;
