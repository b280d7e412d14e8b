-- Neovim 0.11: require this file, or copy its lines into init.lua.
vim.filetype.add({ extension = { weir = 'weir' } })
vim.lsp.config('weir', { cmd = { 'weir', 'lsp' }, filetypes = { 'weir' }, root_markers = { 'weir.toml', '.git' } })
vim.lsp.enable('weir')

-- The standard library is read from the server.
vim.api.nvim_create_autocmd('BufReadCmd', {
  pattern = 'weir-library:*',
  callback = function(args)
    local client = vim.lsp.get_clients({ name = 'weir' })[1]
    if not client then return end
    local answer = client:request_sync('workspace/textDocumentContent', { uri = args.match }, 2000)
    local text = answer and answer.result and answer.result.text or ''
    vim.api.nvim_buf_set_lines(args.buf, 0, -1, false, vim.split(text, '\n'))
    vim.bo[args.buf].modifiable = false
    vim.bo[args.buf].buftype = 'nofile'
    vim.bo[args.buf].filetype = args.match:match('%.md$') and 'markdown' or 'weir'
  end,
})
