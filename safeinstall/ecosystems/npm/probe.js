'use strict'
// Loaded by NODE_OPTIONS into whatever a wrapper calls npm: tells which node runs which script, and ends before it begins.
// A wrapper may start other node scripts first; only npm-cli.js and npx-cli.js are answered.
const fs = require('fs')
const Module = require('module')
const path = require('path')

const tell = main => {
  const script = main && fs.existsSync(main) ? fs.realpathSync(main) : ''
  if (['npm-cli.js', 'npx-cli.js'].includes(path.basename(script))) {
    const answer = { safeinstallNode: process.execPath, safeinstallCli: script }
    fs.writeSync(1, `\n${JSON.stringify(answer)}\n`)
    process.exit(0)
  }
}

tell(process.argv[1])
// Corepack begins as itself, and runs the npm of its choice in the same process.
const runMain = Module.runMain
Module.runMain = function (main = process.argv[1], ...rest) {
  tell(main)
  return runMain.call(this, main, ...rest)
}
