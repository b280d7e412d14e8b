-- Headless Neovim over the configuration in lsp/editors/neovim: `nvim --clean --headless -l neovim.lua CONFIG DIR`.
local config, dir = arg[1], arg[2]
local function check(what, fine)
  if not fine then
    io.stderr:write('neovim: ' .. what .. '\n')
    os.exit(1)
  end
end
dofile(config)
vim.cmd('filetype on')
vim.cmd.edit(dir .. '/a.weir')
check('the file is no policy to it', vim.bo.filetype == 'weir')
check('the server does not start', vim.wait(20000, function() return #vim.lsp.get_clients({ bufnr = 0 }) == 1 end))
check('nothing is wrong', vim.wait(20000, function() return #vim.diagnostic.get(0) > 0 end))
check('another code', vim.diagnostic.get(0)[1].code == 'W0101')
vim.api.nvim_win_set_cursor(0, { 5, 5 })
local client = vim.lsp.get_clients({ bufnr = 0 })[1]
local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
local hover = client:request_sync('textDocument/hover', params, 20000, 0)
check('no hover', hover and hover.result and hover.result.contents.value:find('tag bad'))
-- Mended, it has nothing more to say.
vim.api.nvim_buf_set_text(0, 10, 18, 10, 21, { 'bad' })
check('still wrong when mended', vim.wait(20000, function() return #vim.diagnostic.get(0) == 0 end))
vim.lsp.buf.format({ async = false, timeout_ms = 20000 })
check('not formatted', vim.api.nvim_buf_get_lines(0, 7, 8, false)[1] == '  on login')
client:stop()
vim.wait(5000, function() return client:is_stopped() end)
os.exit(0)
